/* SPDX-License-Identifier: MIT */
/*
 * The kernel wakes one of a dead leader's followers. If that one dies before
 * it has done anything, the next is woken, down to the last.
 */
#include "agent.h"
#include "testing.h"
#include "watch.h"

#define FOLLOWERS 6

/* Each but one is killed at `point` when it is woken. */
static void all_but_one_die_at(const char *point, int survivor)
{
	struct agent *leader = agent_start(), *followers[FOLLOWERS];

	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < FOLLOWERS; i++) {
		followers[i] = agent_start();
		agent_expect(followers[i], "ok", "sleep-until-woken");
		if (i != survivor)
			agent_expect(followers[i], "ok", "arm %s 1 KILL",
				     point);
		agent_say(followers[i], "begin key");
		await_waiters("key", (uint32_t)i + 1);
		/* Before it sleeps it would find the leader dead by itself. */
		agent_asleep(followers[i]);
	}
	agent_kill(leader);
	agent_answers(followers[survivor], "leader owner_died");
	agent_expect(followers[survivor], "ok", "publish value");
	agent_expect(followers[survivor], "0", "verify");
	assert_int_equal(watch_counter("rechecks"), 0);
}

static void when_woken_first_to_last(void **state)
{
	(void)state;
	all_but_one_die_at("wait_woken", FOLLOWERS - 1);
}

static void when_woken_and_one_in_the_middle_lives(void **state)
{
	(void)state;
	all_but_one_die_at("wait_woken", FOLLOWERS / 2);
}

/* Having claimed the flight is no different: they are leaders then. */
static void when_they_have_claimed(void **state)
{
	(void)state;
	all_but_one_die_at("flight_claimed", FOLLOWERS - 1);
}

static void when_they_have_taken_it_over(void **state)
{
	(void)state;
	all_but_one_die_at("flight_taken", FOLLOWERS - 1);
}

/* Killed from outside, asleep: nothing is passed on, and nothing is missed. */
static void when_sleepers_die(void **state)
{
	struct agent *leader = agent_start(), *last = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_expect(last, "ok", "sleep-until-woken");
	agent_say(last, "begin key");
	await_waiters("key", 1);
	for (int i = 0; i < 10; i++) {
		struct agent *sleeper = agent_start();

		agent_say(sleeper, "begin key");
		await_waiters("key", 2);
		agent_kill(sleeper);
	}
	await_waiters("key", 1);
	assert_false(agent_spoke(last));
	agent_expect(leader, "ok", "publish value");
	agent_answers(last, "awaited value");
}

/* Who waits without leading passes on what it does not use. */
static void when_the_woken_one_will_not_lead(void **state)
{
	struct agent *leader = agent_start(), *follower, *heir;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	follower = agent_start();
	agent_expect(follower, "ok", "sleep-until-woken");
	agent_say(follower, "wait key");
	await_waiters("key", 1);
	heir = agent_start();
	agent_expect(heir, "ok", "sleep-until-woken");
	agent_say(heir, "begin key");
	await_waiters("key", 2);
	agent_kill(leader);
	assert_memory_equal(agent_hear(heir), "leader", 6);
	agent_expect(heir, "ok", "publish value");
	/* It saw either nobody leading or the heir's flight. */
	assert_true(!strcmp(agent_hear(follower), "-EOWNERDEAD") ||
		    !strcmp(follower->line, "awaited value"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(when_woken_first_to_last),
		in_segment(when_woken_and_one_in_the_middle_lives),
		in_segment(when_they_have_claimed),
		in_segment(when_they_have_taken_it_over),
		in_segment(when_sleepers_die),
		in_segment(when_the_woken_one_will_not_lead),
	};

	return test_main(tests);
}
