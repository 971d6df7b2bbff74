/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L1: trylock answers -EBUSY at once, and a timed lock answers
 * -ETIMEDOUT at its deadline.
 */
#include "agent.h"
#include "watch.h"

static void who_tries_is_told_at_once(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_expect(b, "-EBUSY", "lock key try");
	agent_expect(a, "@t -EBUSY", "@t lock key try");
	/* Values and locks of the same name are different things. */
	agent_expect(b, "leader", "begin key try");
	agent_expect(a, "ok", "unlock key");
	agent_expect(b, "locked", "lock key try");
	assert_int_equal(watch_counter("waits"), 0);
	assert_int_equal(watch_counter("locks"), 2);
}

static void who_waits_for_a_time_is_told_then(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	uint64_t before;

	(void)state;
	agent_expect(a, "locked", "lock key");
	before = now_ms();
	agent_expect(b, "-ETIMEDOUT", "lock key timeout=60");
	assert_true(now_ms() - before >= 60);
	/* One sleep, which that ended, and no re-check of the holder. */
	assert_int_equal(watch_counter("rechecks"), 0);
	assert_int_equal(watch_counter("timeouts"), 1);
	/* Time enough. */
	agent_say(b, "lock key timeout=%d", PATIENCE_MS);
	await_waiters("key", 1);
	agent_expect(a, "ok", "unlock key");
	agent_answers(b, "locked");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(who_tries_is_told_at_once),
		in_segment(who_waits_for_a_time_is_told_then),
	};

	return test_main(tests);
}
