/* SPDX-License-Identifier: MIT */
/*
 * Generations grow with each flight up to an end. A caller that would lead
 * beyond it gets -EOVERFLOW; the segment serves the values that it has, and no
 * generation goes back.
 */
#include <sfshm/lock.h>

#include "forge.h"
#include "store/ctl.h"

#define NEAR 50

static const struct sfshm_policy again = {
	.size = sizeof(again),
	.flags = SFSHM_REFRESH,
	.ttl_ms = SFSHM_FOREVER,
};

/* Leads the key and publishes; what sfshm_begin() says. */
static int next_flight(struct sfshm *h, const char *key, uint64_t *generation)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	int r = sfshm_begin(h, key, strlen(key), &again, &flight, &result);

	*generation = result.generation;
	if (r == SFSHM_LEADER)
		assert_int_equal(sfshm_publish(&flight, "new", 3), 0);
	sfshm_result_clear(&result);
	return r;
}

static void assert_served(struct sfshm *h, const char *key, const char *value)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	assert_int_equal(sfshm_get(h, key, strlen(key), &result), SFSHM_CACHED);
	assert_int_equal(result.value.len, strlen(value));
	assert_memory_equal(result.value.data, value, strlen(value));
	sfshm_result_clear(&result);
}

/* Moves the generation of all that comes next to shortly before the end. */
static void leap(void)
{
	const uint64_t near = CTL_GEN_END - NEAR;

	forge_write(offsetof(struct shm_header, generation_floor), &near,
		    sizeof(near));
}

static void flights_of_a_key(void **state)
{
	uint64_t last = 0, now;
	struct sfshm *h;
	int r, n = 0;

	(void)state;
	forge_make(NULL);
	leap();
	h = segment_open(NULL);
	while ((r = next_flight(h, "other", &now)) == SFSHM_LEADER) {
		assert_true(now > last && now < CTL_GEN_END);
		last = now;
		assert_in_range(++n, 0, NEAR);
	}
	assert_int_equal(r, -EOVERFLOW);
	assert_in_range(n, NEAR - 4, NEAR);
	assert_served(h, "other", "new");
	/* The key that was there before goes on. */
	assert_int_equal(next_flight(h, "key", &now), SFSHM_LEADER);
	assert_served(h, "key", "new");
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Each key that leaves raises what the next one begins with. */
static void keys_that_come_and_go(void **state)
{
	uint64_t now;
	struct sfshm *h;
	int r, n = 0;

	(void)state;
	forge_make(NULL);
	leap();
	h = segment_open(NULL);
	while ((r = next_flight(h, "other", &now)) == SFSHM_LEADER) {
		assert_int_equal(sfshm_forget(h, "other", 5), 0);
		assert_in_range(++n, 0, NEAR);
	}
	assert_int_equal(r, -EOVERFLOW);
	assert_served(h, "key", "value");
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void holds_of_a_lock(void **state)
{
	struct sfshm_lock lock;
	struct sfshm *h;
	int r, n = 0;

	(void)state;
	forge_make(NULL);
	leap();
	h = segment_open(NULL);
	while ((r = sfshm_lock(h, "lock", 4, NULL, &lock)) == 0) {
		assert_int_equal(sfshm_unlock(&lock), 0);
		assert_in_range(++n, 0, NEAR);
	}
	assert_int_equal(r, -EOVERFLOW);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(flights_of_a_key),
		in_segment(keys_that_come_and_go),
		in_segment(holds_of_a_lock),
	};

	return test_main(tests);
}
