/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L3, PROMISE-L7: a circle of waits that a dead thread would close is
 * no deadlock, because its locks come free.
 */
#include "agent.h"
#include "watch.h"

/* B waits for what A holds, and dies; nobody has reaped it when A asks. */
static void of_two(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock A");
	agent_expect(b, "locked", "lock B");
	agent_say(b, "lock A");
	await_waiters("A", 1);
	agent_kill(b);
	agent_expect(a, "locked owner_died", "lock B");
	assert_int_equal(watch_counter("deadlocks"), 0);
}

static void of_three(void **state)
{
	struct agent *a = agent_start(), *b = agent_start(), *c = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock A");
	agent_expect(b, "locked", "lock B");
	agent_expect(c, "locked", "lock C");
	agent_say(c, "lock A");
	await_waiters("A", 1);
	agent_say(b, "lock C");
	await_waiters("C", 1);
	agent_signal(b, SIGSTOP);
	agent_stopped(b);
	agent_kill(c);
	/* The dead one is in the middle, and B has not noticed it yet. */
	agent_say(a, "lock B");
	await_waiters("B", 1);
	agent_signal(b, SIGCONT);
	agent_answers(b, "locked owner_died");
	agent_expect(b, "ok", "unlock B");
	agent_answers(a, "locked");
	assert_int_equal(watch_counter("deadlocks"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_two),
		in_segment(of_three),
	};

	return test_main(tests);
}
