/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F2, PROMISE-C18: a leader may keep its result for itself
 * (hit-for-miss). Its followers, and later callers for a while, each run the
 * work, all at the same time, and their results say that nothing is
 * coordinated.
 */
#include <pthread.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

#define CROWD 6

static uint32_t inside, most;

/* The first one finds out; the others must meet in the work. */
static int mark_when_all_wait(struct sfshm_flight *f, void *arg)
{
	demand(eventually(sfshm_flight_waiters(f) == CROWD));
	sfshm_flight_uncacheable(f, *(const uint32_t *)arg);
	return sfshm_publish(f, "mine", 4);
}

static int meet_all_others(struct sfshm_flight *f, void *arg)
{
	struct asker *a = arg;
	uint32_t n = fetch_add_acq_rel(&inside, 1) + 1;

	demand(eventually(load_acquire(&inside) == CROWD));
	if (n > load_relaxed(&most))
		store_relaxed(&most, n);
	demand(sfshm_flight_waiters(f) == 0);
	demand(sfshm_abandoned(f) == 0);
	demand(sfshm_extend(f, 1) == 0);
	return sfshm_publish(f, &a->number, sizeof(a->number));
}

static void of_followers(uint32_t ms)
{
	struct asker leader = { .work = mark_when_all_wait, .arg = &ms };
	struct asker crowd[CROWD] = { 0 };

	store_relaxed(&inside, 0);
	asker_start(&leader, h, "key");
	await_phase("key", SFSHM_PHASE_BUSY);
	for (int i = 0; i < CROWD; i++) {
		crowd[i].work = meet_all_others;
		crowd[i].arg = &crowd[i];
		crowd[i].number = i;
		asker_start(&crowd[i], h, "key");
	}
	asker_join(&leader);
	assert_int_equal(leader.outcome, SFSHM_COMPUTED);
	assert_string_equal(asker_text(&leader), "mine");
	assert_int_equal(leader.result.coordinated, 1);
	assert_int_equal(leader.result.uncached, 1);
	for (int i = 0; i < CROWD; i++) {
		asker_join(&crowd[i]);
		assert_int_equal(crowd[i].outcome, SFSHM_COMPUTED);
		assert_int_equal(crowd[i].result.coordinated, 0);
		assert_int_equal(crowd[i].result.leader, 1);
		assert_int_equal(crowd[i].result.uncached, 1);
		assert_memory_equal(crowd[i].result.value.data, &i, sizeof(i));
		sfshm_result_clear(&crowd[i].result);
	}
	assert_int_equal(watch_counter("uncacheable"), CROWD);
	sfshm_result_clear(&leader.result);
	assert_sound(h);
}

static void of_followers_and_later_callers(void **state)
{
	(void)state;
	of_followers(60000);
}

/* Nothing is kept, and nobody else gets the value. */
static void of_followers_only(void **state)
{
	(void)state;
	put("old", POLICY(.ttl_ms = 1));
	clock_advance(10);
	of_followers(0);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(result.coordinated, 1);
	assert_int_equal(publish("everybody's"), 0);
}

static void and_of_those_who_come_for_a_while(void **state)
{
	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	sfshm_flight_uncacheable(&flight, 10000);
	assert_int_equal(publish("mine"), 0);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(sfshm_wait(h, "key", 3, NULL, &result), -ENODATA);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(result.coordinated, 0);
	/* It shows nobody anything, whatever it says. */
	sfshm_flight_ttl(&flight, SFSHM_FOREVER, SFSHM_FOREVER);
	assert_int_equal(publish("mine too"), 0);
	assert_int_equal(publish("again"), -ESTALE);
	assert_int_equal(get(), -ENODATA);
	/* Then somebody finds out again; or one who asks for that. */
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	assert_int_equal(result.coordinated, 1);
	assert_int_equal(sfshm_fail(&flight, -5, NULL), 0);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	sfshm_flight_uncacheable(&flight, 10000);
	assert_int_equal(publish("mine"), 0);
	clock_advance(11000);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(result.coordinated, 1);
	assert_int_equal(publish("everybody's"), 0);
}

/* What was there before is not answered any more. */
static void it_replaces_a_value(void **state)
{
	(void)state;
	put("old", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	sfshm_flight_uncacheable(&flight, 10000);
	assert_int_equal(publish("mine"), 0);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(result.coordinated, 0);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_sound(h);
	clock_advance(11000);
	put("new", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(of_followers_and_later_callers),
		in_policy(of_followers_only),
		in_policy(and_of_those_who_come_for_a_while),
		in_policy(it_replaces_a_value),
	};

	return test_main(tests);
}
