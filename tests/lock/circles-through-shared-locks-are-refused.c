/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C20: the caller that would close a circle of waits gets
 * -EDEADLK, also if the circle goes through any one of the threads that hold a
 * lock shared. Only a wake ends the sleeps here.
 */
#include "agent.h"
#include "watch.h"

/* Others hold A shared too, and wait for nothing. */
static void share_a(int n)
{
	while (n--)
		agent_expect(agent_start(), "locked", "lock A shared");
}

/* All sharers are gone but that one, which had to be refused. */
static void sharer_closes_it(void **state)
{
	struct agent *sharer, *writer = agent_start_patient();

	(void)state;
	share_a(2);
	sharer = agent_start_patient();
	agent_expect(sharer, "locked", "lock A shared");
	share_a(2);
	agent_expect(writer, "locked", "lock B");
	agent_say(writer, "lock A");
	await_waiters("A", 1);
	agent_expect(sharer, "-EDEADLK", "lock B");
	agent_expect(sharer, "-EDEADLK", "lock B shared");
}

static void writer_closes_it(void **state)
{
	struct agent *sharer, *writer = agent_start_patient();
	struct agent *other = agent_start();

	(void)state;
	share_a(2);
	sharer = agent_start_patient();
	agent_expect(sharer, "locked", "lock A shared");
	agent_expect(writer, "locked", "lock B");
	agent_say(sharer, "lock B shared");
	await_waiters("B", 1);
	agent_expect(writer, "-EDEADLK", "lock A");
	/* It has left no trace. */
	agent_expect(other, "locked", "lock A shared try");
	agent_expect(writer, "ok", "unlock B");
	agent_answers(sharer, "locked");
}

/* It waits for the writer, and holds what a sharer waits for. */
static void third_one_closes_it(void **state)
{
	struct agent *sharer, *writer = agent_start_patient();
	struct agent *third = agent_start_patient();

	(void)state;
	share_a(1);
	sharer = agent_start_patient();
	agent_expect(sharer, "locked", "lock A shared");
	agent_expect(third, "locked", "lock B");
	agent_say(writer, "lock A");
	await_waiters("A", 1);
	agent_say(sharer, "lock B");
	await_waiters("B", 1);
	agent_expect(third, "-EDEADLK", "lock A shared");
	agent_expect(third, "-EDEADLK", "lock A");
	agent_expect(third, "ok", "unlock B");
	agent_answers(sharer, "locked");
	agent_expect(sharer, "ok", "unlock A");
}

/* From one lock's sharer to the next lock's. */
static void two_forks(void **state)
{
	struct agent *one = agent_start_patient(), *two = agent_start_patient();
	struct agent *bystander = agent_start();

	(void)state;
	agent_expect(bystander, "locked", "lock A shared");
	agent_expect(bystander, "locked", "lock B shared");
	agent_expect(one, "locked", "lock A shared");
	agent_expect(two, "locked", "lock B shared");
	agent_say(one, "lock B");
	await_waiters("B", 1);
	agent_expect(two, "-EDEADLK", "lock A");
	agent_expect(bystander, "ok", "unlock B");
	agent_expect(two, "ok", "unlock B");
	agent_answers(one, "locked");
	assert_int_equal(watch_counter("deadlocks"), 1);
}

/* Everybody gets on in the end. */
static void no_circle_no_refusal(void **state)
{
	struct agent *one = agent_start_patient(), *two = agent_start_patient();
	struct agent *writer = agent_start_patient();

	(void)state;
	agent_expect(one, "locked", "lock A shared");
	agent_expect(two, "locked", "lock B");
	agent_say(one, "lock B");
	await_waiters("B", 1);
	agent_say(writer, "lock A");
	await_waiters("A", 1);
	agent_expect(two, "-EBUSY", "lock A shared try");
	agent_expect(two, "ok", "unlock B");
	agent_answers(one, "locked");
	agent_expect(one, "ok", "unlock A");
	agent_answers(writer, "locked");
	assert_int_equal(watch_counter("deadlocks"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(sharer_closes_it),     in_segment(writer_closes_it),
		in_segment(third_one_closes_it),  in_segment(two_forks),
		in_segment(no_circle_no_refusal),
	};

	return test_main(tests);
}
