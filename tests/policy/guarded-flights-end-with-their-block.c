/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-G1: with SFSHM_GUARDED a flight is released on every way out of its
 * block: its end, return, goto, break, cancellation, pthread_exit(). A flight
 * that has ended before is left alone.
 */
#include <pthread.h>

#include "agent.h"
#include "policy.h"
#include "watch.h"

enum way { END, RETURN, GOTO, BREAK, WAYS };

static int lead_and_leave(enum way way)
{
	for (;;) {
		SFSHM_GUARDED struct sfshm_flight f = SFSHM_FLIGHT_INIT;

		assert_int_equal(sfshm_begin(h, "key", 3, NULL, &f, &result),
				 SFSHM_LEADER);
		if (way == RETURN)
			return 1;
		if (way == GOTO)
			goto out;
		if (way == BREAK)
			break;
		way = BREAK;
	}
	return 2;
out:
	return 3;
}

static void by_any_jump(void **state)
{
	(void)state;
	for (enum way way = END; way < WAYS; way++) {
		lead_and_leave(way);
		assert_int_equal(watch_phase("key"), SFSHM_PHASE_IDLE);
	}
	assert_int_equal(watch_counter("releases"), WAYS + 1);
}

static void not_if_it_never_led_or_is_ended(void **state)
{
	(void)state;
	{
		SFSHM_GUARDED struct sfshm_flight never = SFSHM_FLIGHT_INIT;
		SFSHM_GUARDED struct sfshm_flight f = SFSHM_FLIGHT_INIT;
		SFSHM_GUARDED struct sfshm_flight hit = SFSHM_FLIGHT_INIT;

		(void)never;
		assert_int_equal(sfshm_begin(h, "key", 3,
					     POLICY(.ttl_ms = SFSHM_FOREVER),
					     &f, &result),
				 SFSHM_LEADER);
		assert_int_equal(sfshm_publish(&f, "v", 1), 0);
		assert_int_equal(sfshm_begin(h, "key", 3, NULL, &hit, &result),
				 SFSHM_CACHED);
	}
	sfshm_flight_cleanup(NULL);
	assert_int_equal(watch_counter("releases"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
}

static uint32_t leading, answered;

static void linger(void *unused)
{
	(void)unused;
	demand(eventually(load_acquire(&answered)));
}

static void lead_then(void *exits)
{
	SFSHM_GUARDED struct sfshm_flight f = SFSHM_FLIGHT_INIT;
	struct sfshm_result own = SFSHM_RESULT_INIT;

	demand(sfshm_begin(h, "key", 3, NULL, &f, &own) == SFSHM_LEADER);
	store_release(&leading, 1);
	demand(eventually(sfshm_flight_waiters(&f) == 1));
	if (exits)
		pthread_exit(NULL);
	for (;;)
		cancellable_nap();
}

/* Further out the thread takes its time; the flight does not wait for that. */
static void *lead_and_linger(void *exits)
{
	pthread_cleanup_push(linger, NULL);
	lead_then(exits);
	pthread_cleanup_pop(0);
	return NULL;
}

static void end_by(void *exits)
{
	struct agent *follower = agent_start();
	pthread_t thread;

	store_relaxed(&leading, 0);
	store_relaxed(&answered, 0);
	pthread_create(&thread, NULL, lead_and_linger, exits);
	assert_true(eventually(load_acquire(&leading)));
	agent_say(follower, "begin key");
	/* Who ends by itself may have done so as soon as it was awaited. */
	if (!exits) {
		await_waiters("key", 1);
		pthread_cancel(thread);
	}
	agent_answers(follower, "leader");
	store_release(&answered, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	agent_expect(follower, "ok", "release");
	agent_expect(follower, "0", "verify");
}

static void by_cancellation(void **state)
{
	(void)state;
	end_by(NULL);
}

static void by_ending_the_thread(void **state)
{
	(void)state;
	end_by(state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(by_any_jump),
		in_policy(not_if_it_never_led_or_is_ended),
		in_policy(by_cancellation),
		in_policy(by_ending_the_thread),
	};

	return test_main(tests);
}
