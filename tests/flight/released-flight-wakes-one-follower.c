/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-G4, PROMISE-F5, PROMISE-R2: A leader that releases its flight wakes
 * one follower, which leads then.
 */
#include <signal.h>

#include "agent.h"
#include "watch.h"

#define FOLLOWERS 5

static struct agent *crowd[FOLLOWERS];

static void crowd_follows(void)
{
	for (int i = 0; i < FOLLOWERS; i++) {
		crowd[i] = agent_start();
		agent_expect(crowd[i], "ok", "sleep-until-woken");
		agent_say(crowd[i], "begin key");
		await_waiters("key", (uint32_t)i + 1);
	}
}

/* Whoever of the crowd has an answer by now; waits for one. */
static struct agent *who_spoke(void)
{
	int i = 0;

	assert_true(eventually(({
		for (i = 0; i < FOLLOWERS; i++)
			if (crowd[i] && agent_spoke(crowd[i]))
				break;
		i < FOLLOWERS;
	})));
	return crowd[i];
}

/* From one to the next, until the last one publishes. */
static void one_after_the_other(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	crowd_follows();
	for (int left = FOLLOWERS; left; left--) {
		agent_expect(leader, "ok", "release");
		leader = who_spoke();
		agent_answers(leader, "leader");
		for (int i = 0; i < FOLLOWERS; i++)
			if (crowd[i] == leader)
				crowd[i] = NULL;
		await_waiters("key", (uint32_t)left - 1);
		for (int i = 0; i < FOLLOWERS; i++)
			assert_false(crowd[i] && agent_spoke(crowd[i]));
	}
	agent_expect(leader, "ok", "publish last");
	assert_int_equal(watch_counter("releases"), FOLLOWERS);
}

/* The one who was woken dies of it: the wake is passed on. */
static void though_the_woken_one_dies(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	crowd_follows();
	for (int i = 0; i < FOLLOWERS - 1; i++)
		agent_signal(crowd[i], SIGSTOP);
	agent_expect(leader, "ok", "release");
	/* Stopped ones may be woken, but do nothing about it but die. */
	for (int i = 0; i < FOLLOWERS - 1; i++) {
		agent_kill(crowd[i]);
		crowd[i] = NULL;
	}
	assert_ptr_equal(who_spoke(), crowd[FOLLOWERS - 1]);
	agent_answers(crowd[FOLLOWERS - 1], "leader");
	agent_expect(crowd[FOLLOWERS - 1], "0", "verify");
}

/* Those who slept on learn of the new leader: its death is theirs to mend. */
static void though_the_new_leader_dies(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	crowd_follows();
	agent_expect(leader, "ok", "release");
	for (int left = FOLLOWERS; left; left--) {
		struct agent *heir = who_spoke();

		assert_memory_equal(agent_hear(heir), "leader", 6);
		await_waiters("key", (uint32_t)left - 1);
		for (int i = 0; i < FOLLOWERS; i++)
			if (crowd[i] == heir)
				crowd[i] = NULL;
		agent_kill(heir);
	}
	assert_int_equal(watch_counter("owner_died"), FOLLOWERS - 1);
}

/* The one who was woken leaves for another reason: it passes the wake on. */
static void though_the_woken_one_leaves(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < 2; i++) {
		crowd[i] = agent_start();
		agent_expect(crowd[i], "ok", "sleep-until-woken");
		agent_say(crowd[i], i ? "begin key" : "begin key token");
		await_waiters("key", (uint32_t)i + 1);
	}
	agent_signal(crowd[0], SIGSTOP);
	agent_stopped(crowd[0]);
	agent_expect(leader, "ok", "release");
	agent_signal(crowd[0], SIGUSR1);
	agent_signal(crowd[0], SIGCONT);
	assert_true(eventually(agent_spoke(crowd[0]) || agent_spoke(crowd[1])));
	if (eventually(agent_spoke(crowd[0])) &&
	    !strcmp(agent_hear(crowd[0]), "leader"))
		agent_expect(crowd[0], "ok", "release");
	agent_answers(crowd[1], "leader");
	memset(crowd, 0, sizeof(crowd));
}

/* The one who was woken never leads: it passes the wake on as well. */
static void though_the_woken_one_will_not_lead(void **state)
{
	struct agent *leader = agent_start(), *waiter, *heir;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	for (uint32_t i = 1; i <= 4; i++) {
		waiter = agent_start();
		agent_expect(waiter, "ok", "sleep-until-woken");
		agent_say(waiter, "wait key");
		await_waiters("key", i);
	}
	heir = agent_start();
	agent_expect(heir, "ok", "sleep-until-woken");
	agent_say(heir, "begin key");
	await_waiters("key", 5);
	agent_expect(leader, "ok", "release");
	agent_answers(heir, "leader");
	agent_expect(heir, "ok", "publish value");
	assert_true(!strcmp(agent_hear(waiter), "-ESRCH") ||
		    !strcmp(waiter->line, "awaited value"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(one_after_the_other),
		in_segment(though_the_woken_one_dies),
		in_segment(though_the_new_leader_dies),
		in_segment(though_the_woken_one_leaves),
		in_segment(though_the_woken_one_will_not_lead),
	};

	return test_main(tests);
}
