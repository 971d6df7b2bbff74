/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F1, PROMISE-R7: Values and failures serve later callers for their
 * TTL, and no longer.
 */
#include "testing.h"
#include "watch.h"

static struct sfshm_result result = SFSHM_RESULT_INIT;
static struct sfshm_flight flight;

static int begin(struct sfshm *h, uint32_t ttl_ms, uint32_t neg_ttl_ms)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = ttl_ms,
		.neg_ttl_ms = neg_ttl_ms,
	};

	return sfshm_begin(h, "key", 3, &policy, &flight, &result);
}

static int get(struct sfshm *h)
{
	return sfshm_get(h, "key", 3, &result);
}

/* The coarse clock lags by some ms, so the borders are left out. */
static void of_values(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	clock_advance(0);
	assert_int_equal(begin(h, 60000, 0), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "v", 1), 0);
	clock_advance(59000);
	assert_int_equal(get(h), SFSHM_CACHED);
	assert_in_range(result.age_ns / 1000000, 58000, 60000);
	assert_int_equal(begin(h, 0, 0), SFSHM_CACHED);
	clock_advance(2000);
	assert_int_equal(get(h), -ENODATA);
	assert_int_equal(begin(h, 0, 0), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_failures(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	clock_advance(0);
	assert_int_equal(begin(h, 0, 60000), SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -7, "too big"), 0);
	clock_advance(59000);
	result.code = 0;
	assert_int_equal(get(h), -EREMOTEIO);
	assert_int_equal(result.code, -7);
	assert_string_equal(result.message, "too big");
	assert_int_equal(begin(h, 0, 0), -EREMOTEIO);
	assert_int_equal(watch_counter("neg_hits"), 2);
	clock_advance(2000);
	assert_int_equal(get(h), -ENODATA);
	assert_int_equal(begin(h, 0, 0), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void never_for_ever(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	assert_int_equal(begin(h, SFSHM_FOREVER, 0), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "v", 1), 0);
	clock_advance(UINT64_C(200) * 365 * 24 * 3600 * 1000);
	assert_int_equal(get(h), SFSHM_CACHED);
	assert_int_equal(sfshm_close(h), 0);
}

static void at_once_without_a_ttl(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	assert_int_equal(begin(h, 0, 0), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "v", 1), 0);
	assert_int_equal(get(h), -ENODATA);
	assert_int_equal(begin(h, 0, 0), SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -1, NULL), 0);
	assert_int_equal(get(h), -ENODATA);
	assert_int_equal(sfshm_close(h), 0);
}

/* The leader knows best: it may set other ones before the end. */
static void as_the_leader_says(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	clock_advance(0);
	assert_int_equal(begin(h, 0, 0), SFSHM_LEADER);
	sfshm_flight_ttl(&flight, 30000, 0);
	assert_int_equal(sfshm_publish(&flight, "v", 1), 0);
	assert_int_equal(get(h), SFSHM_CACHED);
	clock_advance(31000);
	assert_int_equal(get(h), -ENODATA);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_values),
		in_segment(of_failures),
		in_segment(never_for_ever),
		in_segment(at_once_without_a_ttl),
		in_segment(as_the_leader_says),
	};

	return test_main(tests);
}
