/* SPDX-License-Identifier: MIT */
/* The tests of policies share short calls on the one key "key". */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "testing.h"

#define POLICY(...)                                                         \
	(&(const struct sfshm_policy){ .size = sizeof(struct sfshm_policy), \
				       __VA_ARGS__ })

/* What the main thread's calls use; in_policy() tests have them ready. */
static struct sfshm *h;
static struct sfshm_flight flight;
static struct sfshm_result result;

static inline int policy_setup(void **state)
{
	int r = segment_setup(state);

	clock_advance(0);
	h = segment_open(NULL);
	result = (struct sfshm_result)SFSHM_RESULT_INIT;
	return r;
}

static inline int policy_teardown(void **state)
{
	sfshm_result_clear(&result);
	(void)sfshm_close(h);
	return segment_teardown(state);
}

#define in_policy(f) \
	cmocka_unit_test_setup_teardown(f, policy_setup, policy_teardown)

static inline int begin(const struct sfshm_policy *policy)
{
	result.code = 0;
	return sfshm_begin(h, "key", 3, policy, &flight, &result);
}

static inline int get(void)
{
	result.code = 0;
	return sfshm_get(h, "key", 3, &result);
}

static inline int publish(const char *text)
{
	return sfshm_publish(&flight, text, strlen(text));
}

/* The key has this value, published under this policy. */
static inline void put(const char *text, const struct sfshm_policy *policy)
{
	assert_int_equal(begin(policy), SFSHM_LEADER);
	assert_int_equal(publish(text), 0);
}

static inline void assert_value(const char *text)
{
	assert_int_equal(result.value.len, strlen(text));
	assert_memory_equal(result.value.data, text, strlen(text));
}

/*
 * `work` publishes "old" in its first run, and invalidates that before; later
 * it publishes "new". It counts its runs in *arg.
 */
static inline void runs_again_if_asked(sfshm_work_fn work)
{
	const struct sfshm_policy once = {
		.size = sizeof(once),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_policy again = once;
	int times = 0;

	assert_int_equal(sfshm_do(h, "key", 3, &once, work, &times, &result),
			 SFSHM_COMPUTED);
	assert_int_equal(times, 1);
	assert_value("old");
	assert_int_equal(result.uncached, 1);
	times = 0;
	again.flags = SFSHM_RETRY_IF_INVALIDATED;
	assert_int_equal(sfshm_do(h, "key", 3, &again, work, &times, &result),
			 SFSHM_COMPUTED);
	assert_int_equal(times, 2);
	assert_value("new");
	assert_int_equal(result.uncached, 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
}

#endif
