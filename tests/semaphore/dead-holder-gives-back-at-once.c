/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S2: whatever ends a holder, its permits come back, and a caller that
 * sleeps for one is woken. Only a wake ends a sleep here.
 */
#include "agent.h"
#include "testing.h"
#include "watch.h"

/* More than a sleep has words for. */
#define MANY 140

static struct agent *sleeper(const char *name)
{
	struct agent *a = agent_start();

	agent_expect(a, "ok", "sleep-until-woken");
	agent_say(a, "acquire %s", name);
	return a;
}

static void who_is_killed(void **state)
{
	struct agent *holder = agent_start(), *heir;

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	heir = sleeper("s");
	await_waiters("s", 1);
	agent_kill(holder);
	agent_answers(heir, "ok");
	agent_expect(heir, "1 of 1, 0 wait", "permits s");
	agent_expect(heir, "0", "verify");
	assert_int_equal(watch_counter("permits_freed"), 1);
	assert_int_equal(watch_counter("rechecks"), 0);
}

/* The sleeper slept on the words of the holder before. */
static void who_came_after_the_sleeper_lay_down(void **state)
{
	struct agent *first = agent_start(), *second = agent_start(), *heir;

	(void)state;
	agent_expect(first, "ok", "acquire s max=2");
	agent_expect(first, "ok", "acquire s");
	heir = sleeper("s");
	await_waiters("s", 1);
	/* It gets the one, so it must be another's that it gets next. */
	agent_expect(first, "ok", "give-back");
	agent_answers(heir, "ok");
	agent_say(heir, "acquire s");
	await_waiters("s", 1);
	agent_expect(first, "ok", "set-max s 3");
	agent_answers(heir, "ok");
	agent_say(heir, "acquire s");
	await_waiters("s", 1);
	/* It sleeps on the first's words; the second barges in. */
	agent_expect(first, "ok", "arm permit_freed 1 STOP");
	agent_say(first, "give-back");
	agent_stopped(first);
	agent_expect(second, "ok", "acquire s");
	agent_kill(second);
	agent_answers(heir, "ok");
	agent_signal(first, SIGCONT);
	agent_answers(first, "ok");
	agent_expect(heir, "0", "verify");
	assert_int_equal(watch_counter("rechecks"), 0);
}

/* By that the kernel no longer knows of what its death should wake. */
static void who_uses_robust_mutexes_itself(void **state)
{
	struct agent *holder = agent_start(), *heir;

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	agent_expect(holder, "ok", "robust-mutex");
	heir = sleeper("s");
	await_waiters("s", 1);
	agent_kill(holder);
	agent_answers(heir, "ok");
	assert_int_equal(watch_counter("rechecks"), 0);
}

/* A thread each, and the last word is still to be had. */
static void hold_a_great_many(struct agent *others)
{
	for (int i = 0; i < MANY; i++) {
		agent_say(others, "@n%d acquire s max=%d", i, MANY);
		assert_non_null(strstr(agent_hear(others), " ok"));
	}
	agent_expect(others, "ok", "set-max s %d", MANY + 1);
}

/*
 * It sleeps in the kernel. A death before that wakes it only if the holder's
 * word is among those that it sleeps on; otherwise it sleeps for a slice.
 */
static void await_sleeper(struct agent *a, const char *name)
{
	await_waiters(name, 1);
	agent_asleep(a);
}

/* A sleep has no room for all their words. Cleaning up after somebody else is
   no different from any other use of a robust mutex. */
static void one_of_a_great_many(void **state)
{
	struct agent *others = agent_start(), *holder = agent_start(), *heir;
	struct agent *dead = agent_start();

	(void)state;
	agent_expect(dead, "-ENODATA", "permits s");
	hold_a_great_many(others);
	agent_expect(holder, "ok", "acquire s");
	agent_kill(dead);
	agent_expect(holder, "141 of 141, 0 wait", "permits s");
	heir = sleeper("s");
	await_sleeper(heir, "s");
	agent_kill(holder);
	agent_answers(heir, "ok");
	agent_kill(others);
	agent_expect(heir, "1 of 141, 0 wait", "permits s");
	agent_expect(heir, "0", "verify");
	assert_int_equal(watch_counter("rechecks"), 0);
}

/* ... and another semaphore's sleeper is the one that the kernel wakes. */
static void one_of_a_great_many_with_another_asleep_first(void **state)
{
	struct agent *others = agent_start(), *holder = agent_start();
	struct agent *elsewhere, *heir;

	(void)state;
	hold_a_great_many(others);
	agent_expect(others, "ok", "acquire t max=1");
	agent_expect(holder, "ok", "acquire s");
	elsewhere = sleeper("t");
	await_sleeper(elsewhere, "t");
	heir = sleeper("s");
	await_sleeper(heir, "s");
	agent_kill(holder);
	agent_answers(heir, "ok");
	assert_false(agent_spoke(elsewhere));
	assert_int_equal(watch_counter("rechecks"), 0);
}

/* All of a holder's go to all who sleep, of several semaphores. */
static void with_more_than_its_record_has_room_for(void **state)
{
	struct agent *holder = agent_start(), *heirs[3], *other;

	(void)state;
	agent_expect(holder, "ok", "acquire t max=1");
	for (int i = 0; i < 20; i++)
		agent_expect(holder, "ok", "acquire s max=20");
	for (int i = 0; i < 3; i++)
		heirs[i] = sleeper("s");
	await_waiters("s", 3);
	other = sleeper("t");
	await_waiters("t", 1);
	agent_kill(holder);
	for (int i = 0; i < 3; i++)
		agent_answers(heirs[i], "ok");
	agent_answers(other, "ok");
	agent_expect(other, "3 of 20, 0 wait", "permits s");
	agent_expect(other, "0", "verify");
	assert_int_equal(watch_counter("rechecks"), 0);
}

static void ends_by(const char *command)
{
	struct agent *holder = agent_start(), *heir;

	agent_expect(holder, "@t ok", "@t acquire s max=1");
	heir = sleeper("s");
	await_waiters("s", 1);
	agent_say(holder, "%s", command);
	agent_answers(heir, "ok");
	agent_expect(heir, "0", "verify");
	assert_int_equal(watch_counter("rechecks"), 0);
}

/* The kernel marks nothing at the end of a thread whose sibling calls exec. */
static void die_unmarked(const char *take)
{
	struct agent *holder = agent_start();

	agent_expect(holder, "@t ok", "@t %s", take);
	agent_say(holder, "@t exec");
	assert_true(eventually(agent_threads(holder) == 1));
	agent_expect(holder, "ok", "ping");
}

/* Nobody sleeps for a permit, so nobody asks the kernel after a slice. */
static void without_a_mark(void **state)
{
	struct agent *other = agent_start();

	(void)state;
	die_unmarked("acquire s max=1");
	agent_expect(other, "ok", "acquire s try");
	agent_expect(other, "ok", "give-back");
	die_unmarked("acquire s");
	agent_expect(other, "0 of 1, 0 wait", "permits s");
	die_unmarked("acquire s");
	agent_expect(other, "ok", "remove s");
}

static void thread_that_ends(void **state)
{
	(void)state;
	ends_by("@t pthread_exit");
}

static void thread_that_ends_by_a_bare_system_call(void **state)
{
	(void)state;
	ends_by("@t raw-exit");
}

static void thread_that_is_cancelled(void **state)
{
	(void)state;
	ends_by("cancel t");
}

static void process_that_execs(void **state)
{
	(void)state;
	ends_by("exec");
}

static void process_that_exits(void **state)
{
	(void)state;
	ends_by("exit");
}

/* Nobody sleeps: who comes later gets it, without waiting. */
static void for_who_comes_later(void **state)
{
	struct agent *holder = agent_start(), *heir = agent_start();

	(void)state;
	agent_expect(heir, "-ENODATA", "permits s");
	agent_expect(holder, "ok", "acquire s max=1");
	agent_expect(heir, "-EBUSY", "acquire s try");
	agent_kill(holder);
	agent_expect(heir, "ok", "acquire s try");
	agent_expect(heir, "0", "verify");
}

/* Without futex_waitv it is found by polling. */
static void where_sleeps_are_on_one_word(void **state)
{
	struct agent *holder = agent_start(), *heir = agent_start();

	(void)state;
	agent_expect(heir, "ok", "waitv 0");
	agent_expect(holder, "ok", "acquire s max=1");
	agent_say(heir, "acquire s");
	await_waiters("s", 1);
	agent_kill(holder);
	agent_answers(heir, "ok");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(who_is_killed),
		in_segment(who_came_after_the_sleeper_lay_down),
		in_segment(who_uses_robust_mutexes_itself),
		in_segment(one_of_a_great_many),
		in_segment(one_of_a_great_many_with_another_asleep_first),
		in_segment(with_more_than_its_record_has_room_for),
		in_segment(without_a_mark),
		in_segment(thread_that_ends),
		in_segment(thread_that_ends_by_a_bare_system_call),
		in_segment(thread_that_is_cancelled),
		in_segment(process_that_execs),
		in_segment(process_that_exits),
		in_segment(for_who_comes_later),
		in_segment(where_sleeps_are_on_one_word),
	};

	return test_main(tests);
}
