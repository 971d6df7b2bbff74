/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C14: a leader sees the value that it is to renew, and can end its
 * flight with that value for another lifetime.
 */
#include <pthread.h>

#include <sfshm/put.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static const struct sfshm_policy brief = {
	.size = sizeof(brief),
	.ttl_ms = 1000,
	.grace_ms = 60000,
};

static void make_old(void)
{
	put("old", &brief);
	clock_advance(1500);
	assert_int_equal(begin(POLICY(.ttl_ms = 1000)), SFSHM_LEADER);
}

static void it_is_seen_with_its_age(void **state)
{
	uint64_t generation;

	(void)state;
	make_old();
	generation = sfshm_flight_generation(&flight);
	assert_int_equal(sfshm_flight_value(&flight, &result), 0);
	assert_value("old");
	assert_int_equal(result.stale, 1);
	assert_int_equal(result.generation, generation - 1);
	assert_in_range(result.age_ns, 1400000000, 60000000000);
	assert_int_equal(publish("new"), 0);
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_value(&flight, &result), 0);
	assert_value("new");
	assert_int_equal(result.stale, 0);
	assert_int_equal(result.generation, generation);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void it_is_good_for_another_lifetime(void **state)
{
	struct asker a = { 0 };
	uint64_t generation;

	(void)state;
	make_old();
	generation = sfshm_flight_generation(&flight);
	asker_start(&a, h, "key");
	await_waiters("key", 1);
	assert_int_equal(sfshm_touch(&flight), 0);
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_AWAITED);
	assert_string_equal(asker_text(&a), "old");
	assert_int_equal(a.result.generation, generation);
	sfshm_result_clear(&a.result);
	clock_advance(500);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("old");
	assert_int_equal(result.generation, generation);
	clock_advance(1000);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(sfshm_touch(&flight), -ESTALE);
	assert_sound(h);
}

/* Values of all sizes, also one that has no room in its slot. */
static void no_byte_of_it_changes(void **state)
{
	char data[5000];

	(void)state;
	for (size_t len = 0; len <= sizeof(data); len += 1250) {
		value_fill(data, len, 7);
		assert_int_equal(
			begin(POLICY(.flags = SFSHM_REFRESH, .ttl_ms = 1000)),
			SFSHM_LEADER);
		assert_int_equal(sfshm_publish(&flight, data, len), 0);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH,
						      .ttl_ms = 1000)),
					 SFSHM_LEADER);
			assert_int_equal(sfshm_touch(&flight), 0);
		}
		assert_int_equal(get(), SFSHM_CACHED);
		assert_int_equal(result.value.len, len);
		if (len)
			assert_memory_equal(result.value.data, data, len);
	}
	assert_sound(h);
}

static void where_there_is_none_the_flight_goes_on(void **state)
{
	(void)state;
	assert_int_equal(begin(&brief), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_value(&flight, &result), -ENODATA);
	assert_int_equal(sfshm_touch(&flight), -ENODATA);
	assert_int_equal(result.value.len, 0);
	assert_int_equal(publish("new"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
}

static int never_fits(const struct sfshm_result *seen, void *arg)
{
	(void)seen;
	(void)arg;
	return 0;
}

/* A value of another key is not shown, and not renewed. */
static void a_misfit_is_none(void **state)
{
	(void)state;
	put("another's", &brief);
	assert_int_equal(begin(POLICY(.fits = never_fits)), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_value(&flight, &result), -ENODATA);
	assert_int_equal(result.value.len, 0);
	assert_int_equal(sfshm_touch(&flight), -ENODATA);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void who_has_lost_the_flight_renews_nothing(void **state)
{
	(void)state;
	make_old();
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	assert_int_equal(sfshm_flight_value(&flight, &result), -ESTALE);
	assert_int_equal(sfshm_touch(&flight), -ESTALE);
	assert_int_equal(get(), -ENODATA);
	assert_sound(h);
}

/* The check of the old value may have come before what the caller knows. */
static void an_invalidated_flight_renews_nothing(void **state)
{
	(void)state;
	make_old();
	assert_int_equal(sfshm_invalidate(h, "key", 3, 0), 0);
	assert_int_equal(sfshm_touch(&flight), SFSHM_INVALIDATED);
	assert_int_equal(get(), -ENODATA);
}

static void *elsewhere(void *unused)
{
	struct sfshm_result seen = SFSHM_RESULT_INIT;

	(void)unused;
	demand(sfshm_flight_value(&flight, &seen) == -EPERM);
	demand(sfshm_touch(&flight) == -EPERM);
	return NULL;
}

static void only_the_leaders_thread_may(void **state)
{
	pthread_t thread;

	(void)state;
	make_old();
	assert_int_equal(pthread_create(&thread, NULL, elsewhere, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(sfshm_touch(&flight), 0);
}

static int not_modified(struct sfshm_flight *f, void *arg)
{
	(void)arg;
	return sfshm_touch(f);
}

static void work_may_end_so(void **state)
{
	(void)state;
	put("old", &brief);
	clock_advance(1500);
	assert_int_equal(sfshm_do(h, "key", 3, POLICY(.ttl_ms = 1000),
				  not_modified, NULL, &result),
			 SFSHM_COMPUTED);
	assert_value("old");
	assert_int_equal(get(), SFSHM_CACHED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(it_is_seen_with_its_age),
		in_policy(it_is_good_for_another_lifetime),
		in_policy(no_byte_of_it_changes),
		in_policy(where_there_is_none_the_flight_goes_on),
		in_policy(a_misfit_is_none),
		in_policy(who_has_lost_the_flight_renews_nothing),
		in_policy(an_invalidated_flight_renews_nothing),
		in_policy(only_the_leaders_thread_may),
		in_policy(work_may_end_so),
	};

	return test_main(tests);
}
