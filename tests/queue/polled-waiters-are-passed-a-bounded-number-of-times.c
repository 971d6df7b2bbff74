/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C16: a thread that gives a lock or permit back and takes it again at
 * once passes a polled wait a bounded number of times, then lets it go first,
 * for a bounded time. A wait that begins then lets others go first, too.
 */
#include "still.h"
#include "sync/lock.h"
#include "sync/semaphore.h"

#include "held.h"

/*
 * This thread is another caller than the loop. Its sleeps only count; those of
 * the library's thread end as they would.
 */
static __thread bool naps_count;

static long nap(struct futex_waitv *words, unsigned int count,
		const struct timespec *until)
{
	if (!naps_count)
		return still.real.waitv(words, count, until);
	return still_sleep(words, count, until);
}

static uint64_t now(void)
{
	return naps_count ? still_now() : still.real.now();
}

static int still_queue_setup(void **state)
{
	still_setup(state);
	naps_count = false;
	sys.now = now;
	sys.waitv = nap;
	h = segment_open(NULL);
	assert_int_equal(sfshm_queue_open(&queue), 0);
	return 0;
}

static int still_queue_teardown(void **state)
{
	assert_int_equal(sfshm_queue_close(queue), 0);
	(void)sfshm_close(h);
	return still_teardown(state);
}

#define in_still_queue(f)                                     \
	cmocka_unit_test_setup_teardown(f, still_queue_setup, \
					still_queue_teardown)

static void begin_to_count(void)
{
	still.clock_ns = still.real.now();
	naps_count = true;
}

static void pass_by_lock(int times)
{
	struct sfshm_lock own;

	for (int i = 0; i < times; i++) {
		assert_int_equal(sfshm_lock(h, "key", 3, NULL, &own), 0);
		assert_int_equal(sfshm_unlock(&own), 0);
	}
}

static void pass_by_permit(int times)
{
	struct sfshm_permit own;

	for (int i = 0; i < times; i++) {
		assert_int_equal(sfshm_acquire(h, "key", 3, NULL, &own), 0);
		assert_int_equal(sfshm_permit_release(&own), 0);
	}
}

/*
 * The holder gives back, and takes again and again before the loop comes. It
 * has told the wait once only, but each time counts.
 */
static void by_a_lock(void **state)
{
	struct sfshm_lock held;
	struct sfshm_wait wait;
	uint64_t before;

	(void)state;
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &held), 0);
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	begin_to_count();
	assert_int_equal(sfshm_unlock(&held), 0);
	/* The wait itself has counted as the first. */
	pass_by_lock(LOCK_BYPASSES - 1);
	assert_int_equal(still.naps, 0);
	before = still.clock_ns;
	pass_by_lock(1);
	assert_int_equal(still.naps, 1);
	assert_int_equal(still.clock_ns - before, LOCK_DEFER_NS);
	/* A loop that does not come delays others no more. */
	pass_by_lock(3 * LOCK_BYPASSES);
	assert_int_equal(still.naps, 1);
	naps_count = false;
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

/* The loop comes each time, but too late. */
static void by_a_lock_each_time(void **state)
{
	struct sfshm_lock held;
	struct sfshm_wait wait;
	int turns = 0;

	(void)state;
	begin_to_count();
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &held), 0);
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	do {
		assert_int_equal(sfshm_unlock(&held), 0);
		assert_int_equal(sfshm_lock(h, "key", 3, NULL, &held), 0);
		assert_int_equal(lock_finish(&wait), -EINPROGRESS);
	} while (!still.naps && ++turns < 1000);
	assert_in_range(turns, 1, LOCK_BYPASSES + 1);
	assert_int_equal(sfshm_unlock(&held), 0);
	naps_count = false;
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
}

/* A polled wait that finds the lock kept for others is told when that ends. */
static void by_a_polled_call(void **state)
{
	struct agent *waiter = agent_start();
	struct sfshm_lock held;
	struct sfshm_wait wait;

	(void)state;
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &held), 0);
	agent_say(waiter, "lock key");
	await_waiters("key", 1);
	agent_asleep(waiter);
	agent_signal(waiter, SIGSTOP);
	agent_stopped(waiter);
	assert_int_equal(sfshm_unlock(&held), 0);
	pass_by_lock(LOCK_BYPASSES);
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	/* It has deferred for all. */
	assert_int_equal(lock_begin("key", NULL, &wait), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	agent_signal(waiter, SIGCONT);
	agent_answers(waiter, "locked");
}

static void by_a_permit(void **state)
{
	struct sfshm_permit held;
	struct sfshm_wait wait;
	uint64_t before;

	(void)state;
	assert_int_equal(sfshm_acquire(h, "key", 3, PERMIT(.max = 1), &held),
			 0);
	assert_int_equal(permit_begin("key", NULL, &wait), -EINPROGRESS);
	begin_to_count();
	assert_int_equal(sfshm_permit_release(&held), 0);
	pass_by_permit(SEMAPHORE_BYPASSES);
	assert_int_equal(still.naps, 0);
	before = still.clock_ns;
	pass_by_permit(1);
	assert_int_equal(still.naps, 1);
	assert_int_equal(still.clock_ns - before, SEMAPHORE_DEFER_NS);
	pass_by_permit(3 * SEMAPHORE_BYPASSES);
	assert_int_equal(still.naps, 1);
	naps_count = false;
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

static void by_a_polled_call_for_a_permit(void **state)
{
	struct agent *waiter = agent_start();
	struct sfshm_permit held;
	struct sfshm_wait wait;

	(void)state;
	assert_int_equal(sfshm_acquire(h, "key", 3, PERMIT(.max = 1), &held),
			 0);
	agent_say(waiter, "acquire key");
	await_waiters("key", 1);
	agent_asleep(waiter);
	agent_signal(waiter, SIGSTOP);
	agent_stopped(waiter);
	assert_int_equal(sfshm_permit_release(&held), 0);
	pass_by_permit(SEMAPHORE_BYPASSES);
	assert_int_equal(permit_begin("key", NULL, &wait), -EINPROGRESS);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_int_equal(permit_begin("key", NULL, &wait), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	agent_signal(waiter, SIGCONT);
	agent_answers(waiter, "ok");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_queue(by_a_polled_call),
		in_queue(by_a_polled_call_for_a_permit),
		in_still_queue(by_a_lock),
		in_still_queue(by_a_lock_each_time),
		in_still_queue(by_a_permit),
	};

	return test_main(tests);
}
