/* SPDX-License-Identifier: MIT */
/*
 * A caller with TRY does not wait, one with FOLLOW does not lead, and one with
 * REFRESH leads in spite of a hit.
 */
#include "agent.h"
#include "testing.h"
#include "watch.h"

static void try_does_not_wait(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key try forever");
	agent_expect(b, "-EBUSY", "begin key try");
	agent_expect(a, "ok", "publish value");
	agent_expect(b, "cached value", "begin key try");
}

static void follow_does_not_lead(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(b, "-ENODATA", "wait key");
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_FREE);
	agent_expect(a, "leader", "begin key");
	agent_say(b, "wait key");
	await_waiters("key", 1);
	/* Nobody leads after that, and it does not either. */
	agent_expect(a, "ok", "release");
	agent_answers(b, "-ESRCH");

	agent_expect(a, "leader", "begin key");
	agent_say(b, "wait key");
	await_waiters("key", 1);
	agent_kill(a);
	agent_answers(b, "-EOWNERDEAD");
	agent_expect(b, "leader owner_died", "begin key");
}

static void refresh_leads_once_for_all(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish old");
	agent_expect(a, "leader", "begin key refresh forever");
	/* Others go on with what is there, or wait for what is to come. */
	agent_expect(b, "cached old", "begin key");
	agent_expect(b, "cached old", "get key");
	agent_say(b, "begin key refresh");
	await_waiters("key", 1);
	agent_expect(a, "ok", "publish new");
	agent_answers(b, "awaited new");
}

/* The last good value stands until the next one is whole. */
static void a_killed_refresh_changes_nothing(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish-bytes 3000 1");
	agent_expect(a, "leader", "begin key refresh forever");
	agent_expect(a, "ok", "arm publish_written 1 KILL");
	agent_say(a, "publish-bytes 3000 2");
	agent_gone(a);
	agent_expect(b, "cached bytes 3000 1", "begin key");
	agent_expect(b, "leader owner_died", "begin key refresh");
	agent_expect(b, "ok", "fail -5 no");
	agent_expect(b, "cached bytes 3000 1", "get key");
	agent_expect(b, "0", "verify");
}

/* What no call may be asked. */
static void nonsense_is_refused(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_result result = SFSHM_RESULT_INIT, unset = { 0 };
	struct sfshm_policy policy = SFSHM_POLICY_INIT, old = { .size = 8 };
	static const char key[SFSHM_KEY_MAX + 1] = "k";
	struct sfshm_flight f;

	(void)state;
	assert_int_equal(sfshm_begin(h, NULL, 1, NULL, &f, &result), -EINVAL);
	assert_int_equal(sfshm_begin(h, key, 0, NULL, &f, &result), -EINVAL);
	assert_int_equal(sfshm_begin(h, key, 1, NULL, NULL, &result), -EINVAL);
	assert_int_equal(sfshm_begin(h, key, 1, NULL, &f, NULL), -EINVAL);
	assert_int_equal(sfshm_begin(h, key, 1, NULL, &f, &unset), -EINVAL);
	assert_int_equal(sfshm_begin(h, key, 1, &old, &f, &result), -EINVAL);
	assert_int_equal(sfshm_begin(h, key, sizeof(key), &policy, &f, &result),
			 -ENAMETOOLONG);
	assert_int_equal(sfshm_begin(NULL, key, 1, NULL, &f, &result), -EBADF);
	assert_int_equal(sfshm_get(h, NULL, 1, &result), -EINVAL);
	assert_int_equal(sfshm_forget(h, key, sizeof(key)), -ENAMETOOLONG);
	/* A failed begin leaves nothing to end. */
	assert_int_equal(sfshm_publish(&f, "v", 1), -ESTALE);
	assert_int_equal(sfshm_release(&f), -ESTALE);
	sfshm_result_clear(NULL);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_close(h), -EBADF);
	assert_int_equal(sfshm_get(h, key, 1, &result), -EBADF);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(try_does_not_wait),
		in_segment(follow_does_not_lead),
		in_segment(refresh_leads_once_for_all),
		in_segment(a_killed_refresh_changes_nothing),
		in_segment(nonsense_is_refused),
	};

	return test_main(tests);
}
