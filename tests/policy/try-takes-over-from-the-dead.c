/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R2, PROMISE-F4: a caller that only tries gets a dead leader's flight
 * at once, and so it gets one whose leader is past its deadline.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

static void from_the_dead(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY)), -EBUSY);
	agent_kill(leader);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY)), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(watch_counter("waits"), 0);
	assert_int_equal(publish("value"), 0);
	assert_sound(h);
}

/* The kernel has marked nothing: the caller asks it. */
static void from_those_that_died_unmarked(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	assert_int_equal(get(), -ENODATA);
	agent_die_unmarked(leader, "begin key");
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY)), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_sound(h);
}

/* Who must not lead either at least learns that nobody does. */
static void for_nobody_if_it_may_not_lead(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_kill(leader);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY | SFSHM_FOLLOW)),
			 -EOWNERDEAD);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void from_those_past_their_time(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key age=30000");
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY)), -EBUSY);
	clock_advance(31000);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY)), SFSHM_LEADER);
	assert_int_equal(watch_counter("steals"), 1);
	agent_expect(leader, "-ESTALE", "publish old");
	assert_int_equal(publish("new"), 0);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(from_the_dead),
		in_policy(from_those_that_died_unmarked),
		in_policy(for_nobody_if_it_may_not_lead),
		in_policy(from_those_past_their_time),
	};

	return test_main(tests);
}
