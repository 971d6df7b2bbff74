/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S1: a wait for a permit ends by a release, the caller's deadline,
 * its cancel token or the handle's being closed; a try does not wait; and a
 * thread that holds all permits gets -EDEADLK.
 */
#include <sfshm/semaphore.h>

#include "agent.h"
#include "testing.h"
#include "watch.h"

static struct agent *holder, *waiter;

static void hold_one_of_one(void)
{
	holder = agent_start();
	waiter = agent_start();
	agent_expect(holder, "ok", "acquire s max=1");
}

static void sound(void)
{
	agent_expect(holder, "ok", "give-back");
	agent_expect(holder, "0 of 1, 0 wait", "permits s");
	agent_expect(holder, "0", "verify");
}

static void by_a_release(void **state)
{
	(void)state;
	hold_one_of_one();
	agent_expect(waiter, "ok", "sleep-until-woken");
	agent_say(waiter, "acquire s");
	await_waiters("s", 1);
	agent_expect(holder, "1 of 1, 1 wait", "permits s");
	agent_expect(holder, "ok", "give-back");
	agent_answers(waiter, "ok");
	assert_int_equal(watch_counter("rechecks"), 0);
}

static void by_its_time(void **state)
{
	uint64_t began;

	(void)state;
	hold_one_of_one();
	began = now_ms();
	agent_expect(waiter, "-ETIMEDOUT", "acquire s timeout=30");
	assert_true(now_ms() - began >= 30);
	agent_expect(waiter, "-EBUSY", "acquire s try");
	assert_int_equal(watch_counter("timeouts"), 1);
	sound();
}

static void by_its_token(void **state)
{
	(void)state;
	hold_one_of_one();
	agent_say(waiter, "acquire s token");
	await_waiters("s", 1);
	agent_signal(waiter, SIGUSR1);
	agent_answers(waiter, "-ECANCELED");
	agent_expect(waiter, "-ECANCELED", "acquire s token");
	sound();
	/* What needs no waiting is not cancelled. */
	agent_expect(waiter, "ok", "acquire s token");
}

static void by_a_close(void **state)
{
	(void)state;
	hold_one_of_one();
	agent_say(waiter, "@t acquire s");
	await_waiters("s", 1);
	agent_say(waiter, "close");
	agent_answers_both(waiter, "ok", "@t -ESHUTDOWN");
	sound();
}

/* Cancelled as a thread, in its sleep. */
static void by_the_threads_end(void **state)
{
	(void)state;
	hold_one_of_one();
	agent_say(waiter, "@t acquire s");
	await_waiters("s", 1);
	agent_expect(waiter, "ok", "cancel t");
	await_waiters("s", 0);
	sound();
}

/* Who is woken for a permit and cancelled does not leave it lying. */
static void with_the_permit_it_was_woken_for(void **state)
{
	struct agent *heir = agent_start();

	(void)state;
	hold_one_of_one();
	agent_expect(waiter, "ok", "arm wait_woken 1 STOP");
	agent_say(waiter, "acquire s token");
	await_waiters("s", 1);
	agent_asleep(waiter);
	agent_expect(heir, "ok", "sleep-until-woken");
	agent_say(heir, "acquire s");
	await_waiters("s", 2);
	agent_asleep(heir);
	/* First in the queue, it is woken, and stops. */
	agent_expect(holder, "ok", "give-back");
	agent_stopped(waiter);
	agent_signal(waiter, SIGUSR1);
	agent_signal(waiter, SIGCONT);
	agent_answers(waiter, "ok");
	agent_expect(waiter, "ok", "give-back");
	agent_answers(heir, "ok");
	assert_int_equal(watch_counter("rechecks"), 0);
}

static void in_deadlock_for_who_has_all(void **state)
{
	(void)state;
	hold_one_of_one();
	agent_expect(holder, "-EDEADLK", "acquire s");
	agent_expect(holder, "-EBUSY", "acquire s try");
	agent_expect(holder, "ok", "set-max s 2");
	agent_expect(holder, "ok", "acquire s");
	agent_expect(holder, "-EDEADLK", "acquire s");
	agent_expect(holder, "ok", "give-back");
	agent_expect(waiter, "ok", "acquire s");
	agent_expect(holder, "-ETIMEDOUT", "acquire s timeout=10");
	assert_int_equal(watch_counter("deadlocks"), 2);
}

static void at_once_for_wrong_arguments(void **state)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	struct sfshm_options small = { .max_value = 4095 };
	struct sfshm *h = segment_open(&small);
	static char name[SFSHM_KEY_MAX + 1] = "n";
	struct sfshm_permit p;

	(void)state;
	assert_int_equal(sfshm_acquire(h, NULL, 1, &o, &p), -EINVAL);
	assert_int_equal(sfshm_acquire(h, "s", 0, &o, &p), -EINVAL);
	assert_int_equal(sfshm_acquire(h, "s", 1, &o, NULL), -EINVAL);
	assert_int_equal(sfshm_acquire(h, name, sizeof(name), &o, &p),
			 -ENAMETOOLONG);
	assert_int_equal(sfshm_acquire(NULL, "s", 1, &o, &p), -EBADF);
	o.max = SFSHM_PERMITS_MAX + 1;
	assert_int_equal(sfshm_acquire(h, "s", 1, &o, &p), -EINVAL);
	o.max = 1;
	o.flags = 1u << 30;
	assert_int_equal(sfshm_acquire(h, "s", 1, &o, &p), -EINVAL);
	o.flags = 0;
	o.size--;
	assert_int_equal(sfshm_acquire(h, "s", 1, &o, &p), -EINVAL);
	info.size--;
	assert_int_equal(sfshm_semaphore_info(h, "s", 1, &info), -EINVAL);
	/* The segment's values are too small for one. */
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &p), -EMSGSIZE);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &p), -EBADF);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_a_release),
		in_segment(by_its_time),
		in_segment(by_its_token),
		in_segment(by_a_close),
		in_segment(by_the_threads_end),
		in_segment(with_the_permit_it_was_woken_for),
		in_segment(in_deadlock_for_who_has_all),
		in_segment(at_once_for_wrong_arguments),
	};

	return test_main(tests);
}
