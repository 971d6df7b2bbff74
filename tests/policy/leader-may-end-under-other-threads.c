/* SPDX-License-Identifier: MIT */
/*
 * Other threads of the leader's process move its deadline and count its
 * followers while it ends the flight. They get an answer, or -ESTALE, and
 * leave the next flight alone.
 */
#include <pthread.h>

#include "crowd.h"
#include "os/sys.h"
#include "policy.h"
#include "watch.h"

static uint64_t (*real_now)(void);
static pthread_t stopping; /* the thread that stops where it reads the clock */
static uint32_t armed, stopped, go_on;

/* eventually() nests deeply. NOLINTNEXTLINE(readability-function-size) */
static uint64_t now_or_stop(void)
{
	if (load_acquire(&armed) && pthread_equal(pthread_self(), stopping) &&
	    cas_relaxed(&armed, 1, 0)) {
		store_release(&stopped, 1);
		demand(eventually(load_acquire(&go_on)));
	}
	return real_now();
}

static void *extend_slowly(void *arg)
{
	stopping = pthread_self();
	store_release(&armed, 1);
	return (void *)(intptr_t)sfshm_extend(arg, 60000000);
}

/* A thread that stops inside sfshm_extend(&flight), before it moves it. */
static pthread_t start_to_extend(void)
{
	pthread_t thread;

	real_now = sys.now;
	sys.now = now_or_stop;
	stopped = go_on = 0;
	assert_int_equal(pthread_create(&thread, NULL, extend_slowly, &flight),
			 0);
	assert_true(eventually(load_acquire(&stopped)));
	return thread;
}

static void assert_stale(pthread_t thread)
{
	void *answer;

	store_release(&go_on, 1);
	assert_int_equal(pthread_join(thread, &answer), 0);
	assert_int_equal((intptr_t)answer, -ESTALE);
	sys.now = real_now;
}

static void late_deadline_is_refused(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(begin(POLICY(.lock_age_ms = 5000)), SFSHM_LEADER);
	thread = start_to_extend();
	assert_int_equal(publish("value"), 0);
	assert_stale(thread);
	assert_int_equal(watch_counter("extensions"), 0);
}

static void late_deadline_is_not_the_next_flights(void **state)
{
	struct sfshm_slot_info info;
	struct sfshm_flight next;
	pthread_t thread;

	(void)state;
	assert_int_equal(begin(POLICY(.lock_age_ms = 5000)), SFSHM_LEADER);
	thread = start_to_extend();
	assert_int_equal(publish("value"), 0);
	assert_int_equal(sfshm_begin(h, "key", 3, POLICY(.lock_age_ms = 5000),
				     &next, &result),
			 SFSHM_LEADER);
	assert_stale(thread);
	assert_true(watch_key("key", &info));
	assert_in_range(info.lease_ms, 0, 5000);
	assert_int_equal(sfshm_publish(&next, "next", 4), 0);
	assert_sound(h);
}

#define ROUNDS (2000 / SLOWNESS)

static struct sfshm_flight flights[ROUNDS];
static uint32_t round_now; /* + 1; 0: none yet */

static bool fine(int r)
{
	return r == 0 || r == 1 || r == -ESTALE;
}

/* A claim goes with every other one; each flight has a struct of its own. */
static void lead_one_after_the_other(void)
{
	const struct sfshm_policy plain = { .size = sizeof(plain),
					    .lock_age_ms = 1000 };
	struct sfshm_policy claiming = plain;
	struct sfshm_result res = SFSHM_RESULT_INIT;

	claiming.claim_key = "claim";
	claiming.claim_key_len = 5;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct sfshm_flight *f = &flights[i];

		demand(sfshm_begin(h, "key", 3, i % 2 ? &claiming : &plain, f,
				   &res) == SFSHM_LEADER);
		store_release(&round_now, i + 1);
		demand((i % 3 ? sfshm_publish(f, "value", 5) :
				sfshm_release(f)) == 0);
	}
	store_release(&round_now, UINT32_MAX);
	sfshm_result_clear(&res);
}

static void ask_about_them(void)
{
	uint32_t i;

	while ((i = load_acquire(&round_now)) != UINT32_MAX) {
		struct sfshm_flight *f = &flights[i ? i - 1 : 0];

		if (!i)
			continue;
		demand(fine(sfshm_extend(f, 1000)));
		demand(fine(sfshm_abandoned(f)));
		demand(sfshm_flight_waiters(f) == 0);
		demand(sfshm_flight_generation(f) > 0);
	}
}

static void lead_or_ask(int member, void *unused)
{
	(void)unused;
	if (member)
		ask_about_them();
	else
		lead_one_after_the_other();
}

static void a_crowd_may_ask(void **state)
{
	(void)state;
	crowd_run(THREADS, 3, lead_or_ask, NULL);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(late_deadline_is_refused),
		in_policy(late_deadline_is_not_the_next_flights),
		in_policy(a_crowd_may_ask),
	};

	return test_main(tests);
}
