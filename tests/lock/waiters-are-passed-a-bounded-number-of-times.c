/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C16: a thread that gives a lock back and takes it again at once
 * passes a waiter a bounded number of times, then lets it go first, for a
 * bounded time.
 */
#include <errno.h>
#include <signal.h>

#include <sfshm/cancel.h>
#include <sfshm/lock.h>

#include "agent.h"
#include "os/sys.h"
#include "sync/lock.h"
#include "watch.h"

/* This process's clock stands still, but for the sleeps that end it moves. */
static uint64_t clock_ns;
static uint32_t naps;
static struct sys_ops real;

static uint64_t still(void)
{
	return clock_ns;
}

/* A sleep that nothing ends but its time, which passes at once. */
static long sleep_through(struct futex_waitv *words, unsigned int count,
			  const struct timespec *until)
{
	(void)words;
	(void)count;
	naps++;
	clock_ns =
		(uint64_t)until->tv_sec * NS_PER_S + (uint64_t)until->tv_nsec;
	errno = ETIMEDOUT;
	return -1;
}

static int still_setup(void **state)
{
	real = sys;
	naps = 0;
	clock_ns = sys.now();
	return segment_setup(state);
}

static int still_teardown(void **state)
{
	sys = real;
	return segment_teardown(state);
}

/* Takes the lock here, and has an agent wait for it. */
static struct agent *begin(struct sfshm *h, struct sfshm_lock *lock)
{
	struct agent *waiter = agent_start();

	agent_expect(waiter, "ok", "sleep-until-woken");
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, lock), 0);
	agent_say(waiter, "lock key");
	await_waiters("key", 1);
	agent_asleep(waiter);
	return waiter;
}

/* Takes the lock and gives it back, while nothing makes this caller sleep. */
static void pass(struct sfshm *h, int times)
{
	struct sfshm_lock lock;

	for (int i = 0; i < times; i++) {
		assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
		assert_int_equal(sfshm_unlock(&lock), 0);
		assert_int_equal(naps, 0);
	}
}

/* The waiter is stopped: it has been woken, and does not come. */
static struct sfshm *pass_a_stopped_waiter(int times)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;
	struct agent *waiter = begin(h, &lock);

	agent_signal(waiter, SIGSTOP);
	agent_stopped(waiter);
	sys.now = still;
	sys.waitv = sleep_through;
	assert_int_equal(sfshm_unlock(&lock), 0);
	pass(h, times);
	return h;
}

static void stopped_waiter_costs_one_short_sleep(void **state)
{
	struct sfshm *h = pass_a_stopped_waiter(LOCK_BYPASSES);
	uint64_t before = clock_ns;
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
	assert_int_equal(naps, 1);
	assert_int_equal(clock_ns - before, LOCK_DEFER_NS);
	assert_int_equal(sfshm_unlock(&lock), 0);
	/* It is not announced any more. */
	naps = 0;
	pass(h, 3 * LOCK_BYPASSES);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void trying_is_passing_too(void **state)
{
	struct sfshm *h = pass_a_stopped_waiter(LOCK_BYPASSES);
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_IDLE);
	assert_sound(h);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sfshm_trylock(h, "key", 3, &lock), 0);
		assert_int_equal(naps, 0);
		assert_int_equal(sfshm_unlock(&lock), 0);
	}
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
	assert_int_equal(naps, 1);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* As a free lock, it is taken all the same. */
static void waits_that_are_over_end_with_the_lock(void **state)
{
	struct sfshm *h = pass_a_stopped_waiter(LOCK_BYPASSES);
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock lock;
	uint64_t before = clock_ns;

	(void)state;
	o.deadline_ns = clock_ns - 1;
	assert_int_equal(sfshm_lock(h, "key", 3, &o, &lock), 0);
	assert_true(clock_ns <= before);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void fired_tokens_end_the_deferring(void **state)
{
	struct sfshm *h = pass_a_stopped_waiter(LOCK_BYPASSES);
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_cancel token = { 0 };
	struct sfshm_lock lock;

	(void)state;
	sys.waitv = real.waitv;
	o.cancel = &token;
	sfshm_cancel_fire(&token);
	/* The clock stands: nothing else would end it. */
	assert_int_equal(sfshm_lock(h, "key", 3, &o, &lock), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* The clock stands here, so that this caller lets the waiter go first. */
static void waiter_gets_the_lock_in_its_turn(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;
	struct agent *waiter;
	uint64_t before, after;

	(void)state;
	for (int round = 0; round < 20; round++) {
		waiter = begin(h, &lock);
		before = sfshm_lock_generation(&lock);
		agent_say(waiter, "lock-generation key");
		agent_say(waiter, "unlock key");
		sys.now = still;
		clock_ns = real.now();
		assert_int_equal(sfshm_unlock(&lock), 0);
		for (int i = 0; i < 200; i++) {
			assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock),
					 0);
			assert_int_equal(sfshm_unlock(&lock), 0);
		}
		sys.now = real.now;
		agent_answers(waiter, "locked");
		after = strtoull(agent_hear(waiter), NULL, 10);
		assert_in_range(after - before, 1, LOCK_BYPASSES + 1);
		agent_answers(waiter, "ok");
		agent_kill(waiter);
	}
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

#define still_test(f) \
	cmocka_unit_test_setup_teardown(f, still_setup, still_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		still_test(stopped_waiter_costs_one_short_sleep),
		still_test(trying_is_passing_too),
		still_test(waits_that_are_over_end_with_the_lock),
		still_test(fired_tokens_end_the_deferring),
		still_test(waiter_gets_the_lock_in_its_turn),
	};

	return test_main(tests);
}
