/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C16: a thread that gives a permit back and takes it again at once
 * passes a waiter a bounded number of times, then lets it go first, for a
 * bounded time.
 */
#include <signal.h>

#include <sfshm/semaphore.h>

#include "agent.h"
#include "still.h"
#include "sync/semaphore.h"
#include "watch.h"

static int take(struct sfshm *h, uint32_t flags, struct sfshm_permit *permit)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;

	o.max = 1;
	o.flags = flags;
	return sfshm_acquire(h, "key", 3, &o, permit);
}

/* Takes the only permit here, and has the agent wait for it. */
static void begin(struct sfshm *h, struct agent *waiter,
		  struct sfshm_permit *permit)
{
	agent_expect(waiter, "ok", "sleep-until-woken");
	assert_int_equal(take(h, 0, permit), 0);
	agent_say(waiter, "acquire key");
	await_waiters("key", 1);
	agent_asleep(waiter);
}

static void take_turns(struct sfshm *h, uint32_t flags, int times)
{
	struct sfshm_permit permit;

	for (int i = 0; i < times; i++) {
		assert_int_equal(take(h, flags, &permit), 0);
		assert_int_equal(sfshm_permit_release(&permit), 0);
	}
}

/* The waiter has been woken, and stops before it looks. */
static void stopped_waiter_costs_one_short_sleep(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;
	struct agent *waiter = agent_start();
	uint64_t before;

	(void)state;
	agent_expect(waiter, "ok", "arm wait_woken 1 STOP");
	begin(h, waiter, &permit);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	agent_stopped(waiter);
	sys.now = still_now;
	sys.waitv = still_sleep;
	take_turns(h, 0, SEMAPHORE_BYPASSES);
	take_turns(h, SFSHM_SEMAPHORE_TRY, 2);
	assert_int_equal(still.naps, 0);
	before = still.clock_ns;
	take_turns(h, 0, 1);
	assert_int_equal(still.naps, 1);
	assert_int_equal(still.clock_ns - before, SEMAPHORE_DEFER_NS);
	/* It is not announced any more. */
	take_turns(h, 0, 3 * SEMAPHORE_BYPASSES);
	assert_int_equal(still.naps, 1);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void waiter_that_has_gone_costs_nothing(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;
	struct agent *waiter = agent_start();

	(void)state;
	agent_expect(waiter, "ok", "arm wait_woken 1 KILL");
	begin(h, waiter, &permit);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	agent_gone(waiter);
	sys.now = still_now;
	sys.waitv = still_sleep;
	take_turns(h, 0, 3 * SEMAPHORE_BYPASSES);
	assert_int_equal(still.naps, 0);
	assert_int_equal(sfshm_close(h), 0);
}

static struct agent *in_line;

/* This caller's first sleep lasts until the waiter has had the permit. */
static long sleep_until_it_was_had(struct futex_waitv *words,
				   unsigned int count,
				   const struct timespec *until)
{
	if (!still.naps++) {
		agent_answers(in_line, "ok");
		agent_expect(in_line, "ok", "give-back");
	}
	return still.real.waitv(words, count, until);
}

static void waiter_gets_the_permit_in_its_turn(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;
	int turns = 0;

	(void)state;
	in_line = agent_start();
	begin(h, in_line, &permit);
	sys.waitv = sleep_until_it_was_had;
	assert_int_equal(sfshm_permit_release(&permit), 0);
	for (; !still.naps && turns < 1000; turns++)
		take_turns(h, 0, 1);
	assert_in_range(turns, 1, SEMAPHORE_BYPASSES + 1);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_still_segment(stopped_waiter_costs_one_short_sleep),
		in_still_segment(waiter_that_has_gone_costs_nothing),
		in_still_segment(waiter_gets_the_permit_in_its_turn),
	};

	return test_main(tests);
}
