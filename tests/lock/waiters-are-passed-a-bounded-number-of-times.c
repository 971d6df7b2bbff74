/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C16: a thread that gives a lock back and takes it again at once
 * passes a waiter a bounded number of times, then lets it go first, for a
 * bounded time.
 */
#include <signal.h>

#include <sfshm/cancel.h>
#include <sfshm/lock.h>

#include "agent.h"
#include "still.h"
#include "sync/lock.h"
#include "watch.h"

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
		assert_int_equal(still.naps, 0);
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
	sys.now = still_now;
	sys.waitv = still_sleep;
	assert_int_equal(sfshm_unlock(&lock), 0);
	pass(h, times);
	return h;
}

static void stopped_waiter_costs_one_short_sleep(void **state)
{
	struct sfshm *h = pass_a_stopped_waiter(LOCK_BYPASSES);
	uint64_t before = still.clock_ns;
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
	assert_int_equal(still.naps, 1);
	assert_int_equal(still.clock_ns - before, LOCK_DEFER_NS);
	assert_int_equal(sfshm_unlock(&lock), 0);
	/* It is not announced any more. */
	still.naps = 0;
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
		assert_int_equal(still.naps, 0);
		assert_int_equal(sfshm_unlock(&lock), 0);
	}
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
	assert_int_equal(still.naps, 1);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* As a free lock, it is taken all the same. */
static void waits_that_are_over_end_with_the_lock(void **state)
{
	struct sfshm *h = pass_a_stopped_waiter(LOCK_BYPASSES);
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock lock;
	uint64_t before = still.clock_ns;

	(void)state;
	o.deadline_ns = still.clock_ns - 1;
	assert_int_equal(sfshm_lock(h, "key", 3, &o, &lock), 0);
	assert_true(still.clock_ns <= before);
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
	sys.waitv = still.real.waitv;
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
		sys.now = still_now;
		still.clock_ns = still.real.now();
		assert_int_equal(sfshm_unlock(&lock), 0);
		for (int i = 0; i < 200; i++) {
			assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock),
					 0);
			assert_int_equal(sfshm_unlock(&lock), 0);
		}
		sys.now = still.real.now;
		agent_answers(waiter, "locked");
		after = strtoull(agent_hear(waiter), NULL, 10);
		assert_in_range(after - before, 1, LOCK_BYPASSES + 1);
		agent_answers(waiter, "ok");
		agent_kill(waiter);
	}
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_still_segment(stopped_waiter_costs_one_short_sleep),
		in_still_segment(trying_is_passing_too),
		in_still_segment(waits_that_are_over_end_with_the_lock),
		in_still_segment(fired_tokens_end_the_deferring),
		in_still_segment(waiter_gets_the_lock_in_its_turn),
	};

	return test_main(tests);
}
