/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q7: If a holder of a permit dies or stops, wherever that is, the
 * polled waits for a permit are told, as the sleeping callers are.
 */
#include "held.h"

#include <pthread.h>
#include <sfshm/release.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define WAITS 20

/* Begins waits for the permits of a semaphore that another process holds. */
static struct agent *many(struct sfshm_wait waits[WAITS], int max)
{
	struct agent *holder = agent_start();
	char line[64];

	for (int i = 0; i < max; i++)
		agent_expect(holder, "ok", "acquire s max=%d", max);
	for (int i = 0; i < WAITS; i++)
		assert_int_equal(permit_begin("s", NULL, &waits[i]),
				 -EINPROGRESS);
	snprintf(line, sizeof(line), "%d of %d, %d wait", max, max, WAITS);
	agent_expect(holder, line, "permits s");
	assert_false(readable(0));
	return holder;
}

/*
 * The sleeper that the release has woken dies before it looks. The loop, which
 * was told as well, has the permit.
 */
static void beside_a_sleeper_that_dies(void **state)
{
	struct agent *holder = agent_start(), *sleeper = agent_start_patient();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	agent_expect(sleeper, "ok", "arm wait_woken 1 KILL");
	agent_say(sleeper, "acquire s");
	await_waiters("s", 1);
	agent_asleep(sleeper);
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_expect(holder, "ok", "give-back");
	agent_gone(sleeper);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

/* Only a wake ends a sleep of the library's thread. */
static void holder_is_killed(void **state)
{
	struct sfshm_wait waits[WAITS];
	struct agent *holder, *sleeper = agent_start_patient();

	(void)state;
	sleep_until_woken();
	holder = many(waits, 3);
	agent_say(sleeper, "acquire s");
	await_waiters("s", WAITS + 1);
	agent_asleep(sleeper);
	agent_kill(holder);
	(void)told();
	/* The sleeper, too, is woken. This loop is stuck. */
	agent_answers(sleeper, "ok");
	assert_int_equal(finish_all(permit_finish, 0), 2);
	agent_kill(sleeper);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_release_all(h, 0), 3);
	assert_sound(h);
}

/* One of many, in another process each. */
static void one_of_many_holders_is_killed(void **state)
{
	struct agent *holders[8];
	struct sfshm_wait wait;

	(void)state;
	sleep_until_woken();
	for (int i = 0; i < 8; i++) {
		holders[i] = agent_start();
		agent_expect(holders[i], "ok", "acquire s max=8");
	}
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_kill(holders[5]);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_kill(holders[0]);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_release_all(h, 0), 2);
	assert_sound(h);
}

/* More holders than the library's thread sleeps for: a slice tells. */
static void one_of_very_many_holders_dies(void **state)
{
	struct agent *holder = agent_start(), *other = agent_start();
	struct sfshm_wait wait;

	(void)state;
	for (int i = 0; i < 100; i++) {
		char line[64];

		snprintf(line, sizeof(line), "@t%d ok", i);
		agent_expect(holder, line, "@t%d acquire s max=101", i);
	}
	agent_expect(other, "@one ok", "@one acquire s");
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_say(holder, "@t93 raw-exit");
	assert_int_equal(finished_by(permit_finish), 0);
	/* Of this death the kernel says nothing. */
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_say(other, "@one exec");
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_release_all(h, 0), 2);
	assert_sound(h);
}

/* The holder is a thread of the process that polls. */
static void *hold_and_die(void *arg)
{
	struct sfshm_permit held;

	(void)arg;
	demand(sfshm_acquire(h, "s", 1, PERMIT(.max = 1), &held) == 0);
	await_waiters("s", 1);
	syscall(SYS_exit, 0);
	return NULL;
}

static void holder_of_this_process_dies(void **state)
{
	struct sfshm_wait wait;
	pthread_t thread;

	(void)state;
	/* LeakSanitizer takes a thread that has ended so for one that runs. */
	if (UNDER_ASAN)
		skip();
	assert_int_equal(pthread_create(&thread, NULL, hold_and_die, NULL), 0);
	assert_true(eventually(watch_counter("permits") == 1));
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

static void holder_is_killed_at(const char *point)
{
	struct agent *holder = agent_start();
	struct sfshm_wait wait;

	sleep_until_woken();
	agent_expect(holder, "ok", "acquire s max=1");
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_expect(holder, "ok", "arm %s 1 KILL", point);
	agent_say(holder, "give-back");
	assert_int_equal(WTERMSIG(agent_gone(holder)), SIGKILL);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

static void holder_is_killed_before_its_wake(void **state)
{
	(void)state;
	holder_is_killed_at("permit_freed");
}

static void holder_is_killed_before_it_rings(void **state)
{
	(void)state;
	holder_is_killed_at("bell_due");
}

/* The kernel says nothing of this death: the end of a slice asks. */
static void holder_dies_without_a_word(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "@one ok", "@one acquire s max=1");
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_say(holder, "@one exec");
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

/*
 * The thread is gone, and nobody may reap its record before its process is:
 * nothing changes then, and the call must look again by itself.
 */
static void holder_dies_and_its_process_later(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "@one ok", "@one acquire s max=1");
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_say(holder, "@one unmarked-exit");
	wait = told();
	assert_int_equal(permit_finish(&wait), -EINPROGRESS);
	agent_kill(holder);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

/* It has given its permit back, and has told nobody: a slice tells. */
static void holder_is_stopped_before_its_wake(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_expect(holder, "ok", "arm permit_freed 1 STOP");
	agent_say(holder, "give-back");
	agent_stopped(holder);
	assert_int_equal(finished_by(permit_finish), 0);
	agent_signal(holder, SIGCONT);
	agent_answers(holder, "ok");
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		/* The first of these need the ends of slices. */
		in_queue(one_of_very_many_holders_dies),
		in_queue(holder_of_this_process_dies),
		in_queue(holder_dies_without_a_word),
		in_queue(holder_dies_and_its_process_later),
		in_queue(holder_is_stopped_before_its_wake),
		in_queue(beside_a_sleeper_that_dies),
		in_queue(holder_is_killed),
		in_queue(one_of_many_holders_is_killed),
		in_queue(holder_is_killed_before_its_wake),
		in_queue(holder_is_killed_before_it_rings),
	};

	return test_main(tests);
}
