/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R1: A crowd asks for a thousand keys at once, and one caller makes
 * each key for all.
 */
#include <sched.h>

#include "crowd.h"
#include "watch.h"

#define KEYS 1000

struct runs {
	uint32_t of[KEYS];
};

static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static void ask_for_one(struct sfshm *h, int key, struct runs *runs,
			struct sfshm_result *result)
{
	struct sfshm_flight flight;
	char name[32], value[64];
	int n = snprintf(name, sizeof(name), "key-%d", key);
	int m = snprintf(value, sizeof(value), "the value of key %d", key);
	int r = sfshm_begin(h, name, (size_t)n, &keep, &flight, result);

	if (r == SFSHM_LEADER) {
		fetch_add_relaxed(&runs->of[key], 1);
		/* Some work lasts until it has a follower, if one comes. */
		for (int i = 0; key % 10 == 0 && i < 1000 &&
				!sfshm_flight_waiters(&flight);
		     i++)
			sched_yield();
		demand(sfshm_publish(&flight, value, (size_t)m) == 0);
		return;
	}
	demand(r == SFSHM_CACHED || r == SFSHM_AWAITED);
	demand(result->value.len == (size_t)m);
	demand(!memcmp(result->value.data, value, (size_t)m));
}

/* Half of the members go backwards, so that everybody leads somewhere. */
static void ask_for_all(int member, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);

	for (int i = 0; i < KEYS; i++)
		ask_for_one(h, member % 2 ? KEYS - 1 - i : i, arg, &result);
	sfshm_result_clear(&result);
	demand(sfshm_close(h) == 0);
}

static void ask_in_a_crowd(enum crowd kind)
{
	struct runs *runs = shared_memory(sizeof(*runs));
	struct sfshm *h;

	crowd_run(kind, 64, ask_for_all, runs);
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(runs->of[i], 1);
	h = segment_open(NULL);
	assert_int_equal(watch_counter("loads"), KEYS);
	assert_int_equal(watch_counter("hits") + watch_counter("loads_deduped"),
			 63 * KEYS);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_processes(void **state)
{
	(void)state;
	ask_in_a_crowd(PROCESSES);
}

static void of_threads(void **state)
{
	(void)state;
	ask_in_a_crowd(THREADS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_processes),
		in_segment(of_threads),
	};

	return test_main(tests);
}
