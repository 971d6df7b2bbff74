/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R9: a leader whose flight was taken cleans up late, by its end, by
 * the end of its thread, or by its reaper, and touches only its own slot. The
 * next flight of the key goes on, and so do its followers.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

static struct agent *old, *next, *waiting;

/* Taken: `next` leads, `waiting` waits, `old` does not know. */
static void take(void)
{
	old = agent_start();
	next = agent_start();
	waiting = agent_start();
	agent_expect(old, "@t leader", "@t begin key age=20");
	agent_expect(next, "leader", "begin key forever");
	agent_say(waiting, "begin key");
	await_waiters("key", 1);
}

static void goes_on(void)
{
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_BUSY);
	assert_false(agent_spoke(waiting));
	agent_expect(next, "ok", "publish new");
	agent_answers(waiting, "awaited new");
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
	assert_sound(h);
}

static void by_its_end(void **state)
{
	(void)state;
	take();
	agent_expect(old, "@t -ESTALE", "@t release");
	agent_expect(old, "@t -ESTALE", "@t fail -5 late");
	goes_on();
}

static void by_the_end_of_its_process(void **state)
{
	(void)state;
	take();
	agent_kill(old);
	/* Somebody cleans up after it. */
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	old = agent_start();
	agent_expect(old, "leader", "begin another");
	goes_on();
}

static void by_the_end_of_its_thread(void **state)
{
	(void)state;
	take();
	agent_say(old, "@t pthread_exit");
	agent_expect(old, "ok", "join t");
	goes_on();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(by_its_end),
		in_policy(by_the_end_of_its_process),
		in_policy(by_the_end_of_its_thread),
	};

	return test_main(tests);
}
