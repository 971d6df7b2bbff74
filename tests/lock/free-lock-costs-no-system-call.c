/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L1: a lock that nobody holds is taken and given back in user space.
 */
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sfshm/lock.h>

#include "crowd.h"
#include "testing.h"

static const char *const keys[] = { "one", "two", "a longer key, with memory" };

static void take_all(struct sfshm *h)
{
	struct sfshm_lock_options ranked = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock locks[3];

	for (int i = 0; i < 3; i++) {
		ranked.rank = (uint32_t)i;
		demand(sfshm_lock(h, keys[i], strlen(keys[i]), &ranked,
				  &locks[i]) == 0);
	}
	for (int i = 0; i < 3; i++)
		demand(sfshm_unlock(&locks[i]) == 0);
}

/* Any system call but exit kills it, and the clock's must not need one. */
static void lock_in_a_cage(int waits, void *unused)
{
	struct sfshm *h = segment_open(NULL);

	(void)unused;
	take_all(h);
	demand(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	for (int i = 0; i < 1000; i++)
		take_all(h);
	if (waits)
		syscall(SYS_gettid);
	syscall(SYS_exit, 0);
}

static void in_a_cage(void **state)
{
	int status;

	(void)state;
	assert_int_equal(child_gone(child_start(lock_in_a_cage, 0, NULL)), 0);
	/* The cage is one. */
	status = child_gone(child_start(lock_in_a_cage, 1, NULL));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(in_a_cage),
	};

	if (SLOWNESS > 1)
		return skip_all("sanitizers make system calls of their own");
	return test_main(tests);
}
