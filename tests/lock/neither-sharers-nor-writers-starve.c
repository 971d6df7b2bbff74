/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C20: neither kind of callers starves the other. A waiter
 * is passed a bounded number of times, and a writer that waits for sharers is
 * passed by nobody.
 */
#include <signal.h>

#include <sfshm/lock.h>

#include "agent.h"
#include "still.h"
#include "sync/lock.h"
#include "watch.h"

static int take(struct sfshm *h, uint32_t flags, struct sfshm_lock *lock)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	o.flags = flags;
	return sfshm_lock(h, "key", 3, &o, lock);
}

/* Takes the lock and gives it back, while nothing makes this caller sleep. */
static void pass(struct sfshm *h, uint32_t flags, int times)
{
	struct sfshm_lock lock;

	for (int i = 0; i < times; i++) {
		assert_int_equal(take(h, flags, &lock), 0);
		assert_int_equal(sfshm_unlock(&lock), 0);
		assert_int_equal(still.naps, 0);
	}
}

/* The waiter has been woken, and does not come, because it is stopped. */
static struct sfshm *stop_a_waiter(const char *command)
{
	struct sfshm *h = segment_open(NULL);
	struct agent *waiter = agent_start();
	struct sfshm_lock lock;

	agent_expect(waiter, "ok", "sleep-until-woken");
	assert_int_equal(take(h, 0, &lock), 0);
	agent_say(waiter, "%s", command);
	await_waiters("key", 1);
	agent_asleep(waiter);
	agent_signal(waiter, SIGSTOP);
	agent_stopped(waiter);
	sys.now = still_now;
	sys.waitv = still_sleep;
	assert_int_equal(sfshm_unlock(&lock), 0);
	return h;
}

/* The next one defers, once, and for a short time; then all is as before. */
static void then_one_defers(struct sfshm *h, uint32_t flags)
{
	uint64_t before = still.clock_ns;
	struct sfshm_lock lock;

	assert_int_equal(take(h, flags, &lock), 0);
	assert_int_equal(still.naps, 1);
	assert_int_equal(still.clock_ns - before, LOCK_DEFER_NS);
	assert_int_equal(sfshm_unlock(&lock), 0);
	still.naps = 0;
	pass(h, flags, LOCK_BYPASSES / 2);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void sharers_pass_a_writer(void **state)
{
	struct sfshm *h = stop_a_waiter("lock key");

	(void)state;
	pass(h, SFSHM_LOCK_SHARED, LOCK_BYPASSES);
	then_one_defers(h, SFSHM_LOCK_SHARED);
}

static void writers_pass_a_sharer(void **state)
{
	struct sfshm *h = stop_a_waiter("lock key shared");

	(void)state;
	pass(h, 0, LOCK_BYPASSES);
	then_one_defers(h, 0);
}

static void both_kinds_count_as_one(void **state)
{
	struct sfshm *h = stop_a_waiter("lock key");

	(void)state;
	for (int i = 0; i < LOCK_BYPASSES / 2; i++) {
		pass(h, 0, 1);
		pass(h, SFSHM_LOCK_SHARED, 1);
	}
	then_one_defers(h, SFSHM_LOCK_SHARED);
}

static void trying_is_passing_too(void **state)
{
	struct sfshm *h = stop_a_waiter("lock key");
	struct sfshm_lock lock;

	(void)state;
	pass(h, SFSHM_LOCK_SHARED | SFSHM_LOCK_TRY, 3 * LOCK_BYPASSES);
	assert_int_equal(take(h, SFSHM_LOCK_SHARED, &lock), 0);
	assert_int_equal(still.naps, 1);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* Two share it in turn, so that it is never free. */
static void writer_ends_the_relay_of_sharers(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	struct agent *writer = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key shared");
	for (int i = 0; i < 20; i++) {
		agent_expect(b, "locked", "lock key shared");
		agent_expect(a, "ok", "unlock key");
		agent_expect(a, "locked", "lock key shared");
		agent_expect(b, "ok", "unlock key");
	}
	agent_say(writer, "lock key");
	await_waiters("key", 1);
	agent_say(b, "lock key shared");
	await_waiters("key", 2);
	agent_expect(a, "ok", "unlock key");
	agent_answers(writer, "locked");
	assert_false(agent_spoke(b));
	agent_expect(writer, "ok", "unlock key");
	agent_answers(b, "locked");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_still_segment(sharers_pass_a_writer),
		in_still_segment(writers_pass_a_sharer),
		in_still_segment(both_kinds_count_as_one),
		in_still_segment(trying_is_passing_too),
		in_segment(writer_ends_the_relay_of_sharers),
	};

	return test_main(tests);
}
