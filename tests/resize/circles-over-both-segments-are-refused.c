/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C9: while a segment is replaced a thread may lead in the one segment
 * and wait in the other. The caller that would close a circle over both gets
 * -EDEADLK instead of sleeping.
 */
#include "agent.h"
#include "resize/resizing.h"

static struct agent *first, *second;
static struct resizing *under_way;
static int pid;

#define SLOTS 2000

static void begin_resize(void)
{
	under_way = resizing_make(SLOTS);
	pid = resizing_start(under_way);
	resizing_await(SLOTS);
	watch_end();
	/* Sleepers wait until they are woken: nothing is found later on. */
	agent_expect(first, "ok", "sleep-until-woken");
	agent_expect(second, "ok", "sleep-until-woken");
}

static void end_resize(void)
{
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(under_way->outcome, 0);
	watch_end();
}

static void start_agents(void)
{
	first = agent_start();
	second = agent_start();
}

static void closed_by_a_follower(void **state)
{
	(void)state;
	start_agents();
	agent_expect(first, "leader", "begin old");
	begin_resize();
	agent_expect(second, "locked", "lock new");
	agent_say(first, "lock new");
	await_waiters("new", 1);
	agent_expect(second, "-EDEADLK", "begin old");
	agent_expect(second, "ok", "unlock new");
	agent_answers(first, "locked");
	agent_expect(first, "ok", "publish 1");
	end_resize();
}

/* The one that closes the circle is the one that leads in the old segment. */
static void closed_from_the_old_segment(void **state)
{
	(void)state;
	start_agents();
	agent_expect(first, "locked", "lock old");
	begin_resize();
	agent_expect(second, "locked", "lock new");
	agent_say(second, "lock old");
	assert_true(eventually(resizing_waiters("old") == 1));
	agent_expect(first, "-EDEADLK", "lock new");
	agent_expect(first, "ok", "unlock old");
	agent_answers(second, "locked");
	agent_expect(second, "ok", "unlock old");
	end_resize();
}

/* The permit was taken in the old segment; its waiter waits in the new one. */
static void permits(void **state)
{
	(void)state;
	start_agents();
	agent_expect(first, "ok", "acquire s max=1");
	begin_resize();
	agent_expect(second, "locked", "lock new");
	agent_say(first, "lock new");
	await_waiters("new", 1);
	agent_expect(second, "-EDEADLK", "acquire s");
	agent_expect(second, "ok", "unlock new");
	agent_answers(first, "locked");
	agent_expect(first, "ok", "give-back");
	end_resize();
}

/* The one that closes the circle does not ask for the permit itself. */
static void permits_further_on(void **state)
{
	(void)state;
	start_agents();
	agent_expect(first, "ok", "acquire s max=1");
	begin_resize();
	agent_expect(second, "locked", "lock new");
	agent_say(second, "acquire s");
	await_waiters("s", 1);
	agent_expect(first, "-EDEADLK", "lock new");
	agent_expect(first, "ok", "give-back");
	agent_answers(second, "ok");
	agent_expect(second, "ok", "give-back");
	end_resize();
}

/* A thread that waits in the new segment closes no circle by that alone. */
static void chains_are_none(void **state)
{
	struct agent *third;

	(void)state;
	start_agents();
	third = agent_start();
	agent_expect(first, "locked", "lock old");
	begin_resize();
	agent_expect(second, "locked", "lock new");
	agent_say(first, "lock new");
	await_waiters("new", 1);
	agent_say(third, "lock old");
	assert_true(eventually(resizing_waiters("old") == 1));
	agent_expect(second, "ok", "unlock new");
	agent_answers(first, "locked");
	agent_expect(first, "ok", "unlock old");
	agent_answers(third, "locked");
	agent_expect(third, "ok", "unlock old");
	end_resize();
	assert_int_equal(watch_counter("deadlocks"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(closed_by_a_follower),
		in_segment(closed_from_the_old_segment),
		in_segment(permits),
		in_segment(permits_further_on),
		in_segment(chains_are_none),
	};

	return test_main(tests);
}
