/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C9: the caller that would close a circle of waits over permits that
 * one thread holds gets -EDEADLK instead of sleeping. The others on the circle
 * may wait for flights and locks. Only a wake ends the
 * sleeps here, so that nothing is found by chance, later on.
 */
#include "agent.h"
#include "watch.h"

static void who_holds_the_permit_closes_it(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient();

	(void)state;
	agent_expect(a, "ok", "acquire s max=1");
	agent_expect(b, "leader", "begin key");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	agent_expect(a, "-EDEADLK", "begin key");
	assert_int_equal(watch_counter("deadlocks"), 1);
	agent_expect(a, "ok", "give-back");
	agent_answers(b, "ok");
}

static void who_wants_the_permit_closes_it(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient();

	(void)state;
	agent_expect(a, "ok", "acquire s max=1");
	agent_expect(b, "leader", "begin key");
	agent_say(a, "begin key");
	await_waiters("key", 1);
	agent_expect(b, "-EDEADLK", "acquire s");
	agent_expect(b, "ok", "publish 1");
	agent_answers(a, "awaited 1");
}

static void over_locks_and_two_semaphores(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient(),
		     *c = agent_start_patient();

	(void)state;
	agent_expect(a, "ok", "acquire s max=1");
	agent_expect(b, "ok", "acquire t max=1");
	agent_expect(c, "locked", "lock L");
	agent_say(a, "acquire t");
	await_waiters("t", 1);
	agent_say(b, "lock L");
	await_waiters("L", 1);
	agent_expect(c, "-EDEADLK", "acquire s");
	agent_expect(c, "ok", "unlock L");
	agent_answers(b, "locked");
	agent_expect(b, "ok", "give-back");
	agent_answers(a, "ok");
}

/* All of several permits are as good as the only one. */
static void one_thread_has_them_all(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient();

	(void)state;
	agent_expect(a, "ok", "acquire s max=2");
	agent_expect(a, "ok", "acquire s");
	agent_expect(b, "locked", "lock L");
	agent_say(a, "lock L");
	await_waiters("L", 1);
	agent_expect(b, "-EDEADLK", "acquire s");
	agent_expect(b, "ok", "unlock L");
	agent_answers(a, "locked");
}

/* Another holder may give a permit back: no circle. */
static void others_have_some(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient(),
		     *c = agent_start_patient();

	(void)state;
	agent_expect(a, "ok", "acquire s max=2");
	agent_expect(c, "ok", "acquire s");
	agent_expect(b, "locked", "lock L");
	agent_say(a, "lock L");
	await_waiters("L", 1);
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	agent_expect(c, "ok", "give-back");
	agent_answers(b, "ok");
	assert_int_equal(watch_counter("deadlocks"), 0);
	agent_expect(b, "ok", "unlock L");
	agent_answers(a, "locked");
}

/* The dead one's permit comes back. */
static void the_dead_close_none(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient();

	(void)state;
	agent_expect(a, "ok", "acquire s max=1");
	agent_expect(b, "locked", "lock L");
	agent_say(a, "lock L");
	await_waiters("L", 1);
	agent_kill(a);
	agent_expect(b, "ok", "acquire s");
	assert_int_equal(watch_counter("deadlocks"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(who_holds_the_permit_closes_it),
		in_segment(who_wants_the_permit_closes_it),
		in_segment(over_locks_and_two_semaphores),
		in_segment(one_thread_has_them_all),
		in_segment(others_have_some),
		in_segment(the_dead_close_none),
	};

	return test_main(tests);
}
