/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L7: whatever ends a holder, the next caller gets the lock at once
 * and learns of the death. Once that caller has given the lock back, no later
 * holder learns of it.
 */
#include "agent.h"
#include "watch.h"

/* It sleeps until it is woken: no look of its own finds the death. */
static void to_who_waits(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_kill(a);
	agent_answers(b, "locked owner_died");
	assert_int_equal(watch_counter("takeovers"), 1);
}

static void to_who_comes_later(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_kill(a);
	agent_expect(b, "locked owner_died", "lock key try");
	agent_expect(b, "ok", "unlock key");
	agent_expect(b, "locked", "lock key");
}

/* Whoever attaches reaps the dead: the lock is at rest when it is asked for. */
static void after_the_dead_one_was_reaped(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	struct sfshm *h = segment_open(NULL);

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_kill(a);
	assert_sound(h);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_IDLE);
	agent_expect(b, "locked owner_died", "lock key");
	agent_expect(b, "ok", "unlock key");
	agent_expect(b, "locked", "lock key");
	assert_int_equal(sfshm_close(h), 0);
}

/* Who was told and dies has mended nothing: the next is told, too. */
static void again_if_the_told_one_dies(void **state)
{
	struct agent *a = agent_start(), *b = agent_start(), *c = agent_start();
	struct sfshm *h = segment_open(NULL);

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_kill(a);
	agent_expect(b, "locked owner_died", "lock key");
	agent_kill(b);
	assert_sound(h);
	agent_expect(c, "locked owner_died", "lock key");
	agent_expect(c, "ok", "unlock key");
	agent_expect(c, "locked", "lock key");
	assert_int_equal(sfshm_close(h), 0);
}

static void when_a_thread_ends(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@t locked", "@t lock key");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_say(a, "@t pthread_exit");
	agent_answers(b, "locked owner_died");
}

static void when_the_handle_is_closed(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_expect(a, "ok", "close");
	agent_expect(b, "locked owner_died", "lock key");
	agent_expect(a, "-EPERM", "unlock key");
}

/* Who only waits and dies leaves the lock as it is. */
static void dead_waiters_are_not_told(void **state)
{
	struct agent *a = agent_start(), *b = agent_start(), *c = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_say(c, "lock key");
	await_waiters("key", 2);
	agent_kill(b);
	agent_expect(a, "ok", "unlock key");
	agent_answers(c, "locked");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(to_who_waits),
		in_segment(to_who_comes_later),
		in_segment(after_the_dead_one_was_reaped),
		in_segment(again_if_the_told_one_dies),
		in_segment(when_a_thread_ends),
		in_segment(when_the_handle_is_closed),
		in_segment(dead_waiters_are_not_told),
	};

	return test_main(tests);
}
