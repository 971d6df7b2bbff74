/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F1: a fresh value returns without a claim and without a system call,
 * also with a predicate, and also as sfshm_do(). A seccomp filter kills the
 * process for any system call but read, write and exit.
 */
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "crowd.h"
#include "policy.h"

static int anything(const struct sfshm_result *r, void *arg)
{
	(void)arg;
	return r->value.len == 5;
}

static int no_work(struct sfshm_flight *f, void *arg)
{
	(void)arg;
	return sfshm_fail(f, -5, "not to be run");
}

static void ask_strictly(int member, void *arg)
{
	struct sfshm_result own = SFSHM_RESULT_INIT;
	const struct sfshm_policy wants = {
		.size = sizeof(wants),
		.fresh = anything,
		.fits = anything,
		.grace_ms = 5,
		.wait_timeout_ms = 5,
		.lock_age_ms = 5,
		.beta = 1,
		.claim_key = "c",
		.claim_key_len = 1,
	};
	struct sfshm *mine = segment_open(NULL);
	struct sfshm_flight f;
	int bad = 0;

	(void)arg;
	/* Once without the kernel's watch: this thread attaches. */
	demand(sfshm_get(mine, "key", 3, &own) == SFSHM_CACHED);
	demand(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	for (int i = 0; i < 100; i++) {
		bad |= sfshm_get(mine, "key", 3, &own);
		bad |= sfshm_begin(mine, "key", 3, NULL, &f, &own);
		bad |= sfshm_begin(mine, "key", 3, &wants, &f, &own);
		bad |= sfshm_do(mine, "key", 3, &wants, no_work, NULL, &own);
	}
	if (member == 1)
		bad |= sfshm_begin(mine, "cold", 4, NULL, &f, &own);
	syscall(SYS_exit, bad);
}

static void under_a_strict_kernel(void **state)
{
	int status;

	(void)state;
	put("value", POLICY(.ttl_ms = SFSHM_FOREVER));
	status = child_gone(child_start(ask_strictly, 0, NULL));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(under_a_strict_kernel),
	};

	if (UNDER_ASAN || UNDER_TSAN)
		return skip_all("sanitizers make calls of their own");
	return test_main(tests);
}
