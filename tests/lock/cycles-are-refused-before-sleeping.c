/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L3: the caller that would close a circle of waits gets -EDEADLK
 * instead of sleeping, over any number of threads and processes, locks and
 * flights. Only a wake ends the
 * sleeps here, so that nothing is found by chance, later on.
 */
#include "agent.h"
#include "watch.h"

static void two_threads(void **state)
{
	struct agent *a = agent_start_patient();

	(void)state;
	agent_expect(a, "@one locked", "@one lock A");
	agent_expect(a, "@two locked", "@two lock B");
	agent_say(a, "@one lock B");
	await_waiters("B", 1);
	agent_expect(a, "@two -EDEADLK", "@two lock A");
	assert_int_equal(watch_counter("deadlocks"), 1);
	/* Who was refused lets go, and the other gets on. */
	agent_say(a, "@two unlock B");
	agent_answers_both(a, "@two ok", "@one locked");
}

static void three_threads(void **state)
{
	struct agent *a = agent_start_patient();

	(void)state;
	agent_expect(a, "@one locked", "@one lock A");
	agent_expect(a, "@two locked", "@two lock B");
	agent_expect(a, "@three locked", "@three lock C");
	agent_say(a, "@one lock B");
	await_waiters("B", 1);
	agent_say(a, "@two lock C");
	await_waiters("C", 1);
	agent_expect(a, "@three -EDEADLK", "@three lock A");
	agent_say(a, "@three unlock C");
	agent_answers_both(a, "@three ok", "@two locked");
	agent_say(a, "@two unlock B");
	agent_answers_both(a, "@two ok", "@one locked");
}

static void across_processes(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient(),
		     *c = agent_start_patient();

	(void)state;
	agent_expect(a, "locked", "lock A");
	agent_expect(b, "locked", "lock B");
	agent_expect(c, "locked", "lock C");
	agent_say(a, "lock B");
	await_waiters("B", 1);
	agent_say(b, "lock C");
	await_waiters("C", 1);
	agent_expect(c, "-EDEADLK", "lock A timeout=%d", PATIENCE_MS);
	/* Who does not wait is no part of a circle. */
	agent_expect(c, "-EBUSY", "lock A try");
	agent_expect(c, "ok", "unlock C");
	agent_answers(b, "locked");
}

static void locks_and_flights(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient(),
		     *c = agent_start_patient();

	(void)state;
	agent_expect(a, "leader", "begin F");
	agent_expect(b, "locked", "lock L");
	agent_expect(c, "locked", "lock M");
	agent_say(b, "begin F");
	await_waiters("F", 1);
	agent_say(c, "lock L");
	await_waiters("L", 1);
	agent_expect(a, "-EDEADLK", "lock M");
	agent_expect(a, "ok", "publish value");
	agent_answers(b, "awaited value");
	agent_expect(b, "ok", "unlock L");
	agent_answers(c, "locked");
}

static void flights_that_want_a_lock(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient();

	(void)state;
	agent_expect(a, "leader", "begin F");
	agent_expect(b, "locked", "lock L");
	agent_say(a, "lock L");
	await_waiters("L", 1);
	agent_expect(b, "-EDEADLK", "begin F");
	agent_expect(b, "ok", "unlock L");
	agent_answers(a, "locked");
}

/* Standing in a long queue is no circle, nor is waiting beside one. */
static void queues_are_not(void **state)
{
	struct agent *a = agent_start_patient(), *b = agent_start_patient(),
		     *c = agent_start_patient();

	(void)state;
	agent_expect(a, "locked", "lock A");
	agent_expect(b, "locked", "lock B");
	agent_say(b, "lock A");
	await_waiters("A", 1);
	agent_say(c, "@one lock B");
	await_waiters("B", 1);
	agent_say(c, "@two lock A");
	await_waiters("A", 2);
	agent_expect(a, "-EDEADLK", "lock B");
	assert_int_equal(watch_counter("deadlocks"), 1);
	assert_false(agent_spoke(b));
	assert_false(agent_spoke(c));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(two_threads),
		in_segment(three_threads),
		in_segment(across_processes),
		in_segment(locks_and_flights),
		in_segment(flights_that_want_a_lock),
		in_segment(queues_are_not),
	};

	return test_main(tests);
}
