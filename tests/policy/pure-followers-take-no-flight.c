/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C4: a caller that never leads takes no flight from a leader that may
 * be alive. It learns whether there is nothing, nobody leads, or the leader
 * died.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

static void a_late_leader_still_publishes(void **state)
{
	struct agent *leader = agent_start(), *follower = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key age=1");
	agent_say(follower, "wait key");
	await_waiters("key", 1);
	/* The lease ends before the first slice does. */
	assert_true(eventually(watch_counter("rechecks") > 0));
	assert_int_equal(watch_counter("steals"), 0);
	agent_expect(leader, "ok", "publish value");
	agent_answers(follower, "awaited value");
	assert_sound(h);
}

static int wait_for(void)
{
	return sfshm_wait(h, "key", 3, NULL, &result);
}

static void each_end_has_its_answer(void **state)
{
	struct agent *leader = agent_start(), *follower = agent_start();

	(void)state;
	assert_int_equal(wait_for(), -ENODATA);
	agent_expect(leader, "leader", "begin key");
	agent_say(follower, "wait key");
	await_waiters("key", 1);
	agent_expect(leader, "ok", "release");
	agent_answers(follower, "-ESRCH");
	assert_int_equal(wait_for(), -ESRCH);

	agent_expect(leader, "leader", "begin key");
	agent_say(follower, "wait key");
	await_waiters("key", 1);
	agent_kill(leader);
	agent_answers(follower, "-EOWNERDEAD");
	assert_int_equal(wait_for(), -EOWNERDEAD);
	assert_int_equal(result.owner_died, 1);

	put("value", POLICY(.ttl_ms = 1000));
	clock_advance(2000);
	assert_int_equal(wait_for(), -ENODATA);
	assert_int_equal(result.owner_died, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(a_late_leader_still_publishes),
		in_policy(each_end_has_its_answer),
	};

	return test_main(tests);
}
