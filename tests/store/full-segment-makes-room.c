/* SPDX-License-Identifier: MIT */
/*
 * When slots or value memory run out, an evictor takes expired keys first,
 * then those that are read least. Keys with a flight and pinned values stay.
 */
#include <sfshm/pin.h>

#include "testing.h"
#include "watch.h"

static struct sfshm_result result = SFSHM_RESULT_INIT;
static uint8_t bytes[64 << 10];

static int put(struct sfshm *h, int key, size_t len, uint32_t ttl_ms)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_KEEP,
		.ttl_ms = ttl_ms,
	};
	struct sfshm_flight flight;
	char name[16];
	int n = snprintf(name, sizeof(name), "key-%d", key);
	int r = sfshm_begin(h, name, (size_t)n, &policy, &flight, &result);

	if (r != SFSHM_LEADER)
		return r;
	r = sfshm_publish(&flight, bytes, len);
	if (r)
		assert_int_equal(sfshm_release(&flight), 0);
	return r;
}

static bool is_there(struct sfshm *h, int key)
{
	char name[16];
	int n = snprintf(name, sizeof(name), "key-%d", key);

	return sfshm_get(h, name, (size_t)n, &result) == SFSHM_CACHED;
}

static int count_there(struct sfshm *h, int first, int n)
{
	int there = 0;

	for (int i = first; i < first + n; i++)
		there += is_there(h, i);
	return there;
}

static void of_slots(void **state)
{
	const struct sfshm_options tiny = { .slots = 8 };
	struct sfshm *h = segment_open(&tiny);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(put(h, i, 10, SFSHM_FOREVER), 0);
		assert_true(is_there(h, i));
	}
	assert_in_range(count_there(h, 0, 1000), 4, 8);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_memory(void **state)
{
	const struct sfshm_options tiny = {
		.slots = 64,
		.bytes = 64 << 10,
		.max_value = 64 << 10,
	};
	struct sfshm *h = segment_open(&tiny);

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(put(h, i, 1 + (size_t)i * 499 % (30 << 10),
				     SFSHM_FOREVER),
				 0);
	/* All of it for one value. */
	assert_int_equal(put(h, 1000, 64 << 10, SFSHM_FOREVER), 0);
	assert_true(is_there(h, 1000));
	assert_int_equal(count_there(h, 0, 300), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void expired_ones_go_first(void **state)
{
	const struct sfshm_options few = { .slots = 40 };
	struct sfshm *h = segment_open(&few);

	(void)state;
	for (int i = 0; i < 40; i++)
		assert_int_equal(put(h, i, 10, i % 2 ? SFSHM_FOREVER : 1000),
				 0);
	clock_advance(5000);
	for (int i = 100; i < 110; i++)
		assert_int_equal(put(h, i, 10, SFSHM_FOREVER), 0);
	for (int i = 1; i < 40; i += 2)
		assert_true(is_there(h, i));
	assert_true(watch_counter("expirations") >= 10);
	assert_int_equal(watch_counter("evictions"), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* A scan of keys that are asked for once leaves those that are in use. */
static void what_is_asked_for_stays(void **state)
{
	const struct sfshm_options few = { .slots = 64 };
	struct sfshm *h = segment_open(&few);

	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_equal(put(h, i, 10, SFSHM_FOREVER), 0);
	for (int i = 100; i < 1100; i++) {
		assert_int_equal(put(h, i, 10, SFSHM_FOREVER), 0);
		if (i % 10 == 0)
			assert_int_equal(count_there(h, 0, 16), 16);
	}
	assert_int_equal(sfshm_close(h), 0);
}

/* Slots whose flights go on are nobody else's. */
static void flights_stay(void **state)
{
	const struct sfshm_options tiny = { .slots = 4 };
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_flight flights[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(sfshm_begin(h, &"abcd"[i], 1, NULL,
					     &flights[i], &result),
				 SFSHM_LEADER);
	assert_int_equal(put(h, 0, 10, 0), -ENOSPC);
	assert_int_equal(watch_counter("no_space"), 1);
	assert_int_equal(sfshm_publish(&flights[2], "v", 1), 0);
	assert_int_equal(put(h, 0, 10, 0), 0);
	assert_int_equal(sfshm_publish(&flights[0], "v", 1), 0);
	assert_int_equal(sfshm_fail(&flights[1], -5, "no"), 0);
	assert_int_equal(sfshm_release(&flights[3]), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Without room for its message a failure still tells its code. */
static void failures_need_no_memory(void **state)
{
	const struct sfshm_options tiny = {
		.slots = 2,
		.bytes = 640,
		.max_value = 640,
	};
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.flags = SFSHM_KEEP,
		.neg_ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_flight a, b;

	(void)state;
	assert_int_equal(put(h, 0, 640, SFSHM_FOREVER), 0);
	assert_int_equal(
		sfshm_begin(h, "key-0", 5,
			    &(struct sfshm_policy){ .size = sizeof(keep),
						    .flags = SFSHM_REFRESH },
			    &a, &result),
		SFSHM_LEADER);
	assert_int_equal(sfshm_begin(h, "b", 1, &keep, &b, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&b, "v", 1), -ENOSPC);
	assert_int_equal(sfshm_fail(&b, -28, "no room for this"), 0);
	assert_int_equal(sfshm_get(h, "b", 1, &result), -EREMOTEIO);
	assert_int_equal(result.code, -28);
	assert_string_equal(result.message, "");
	assert_int_equal(sfshm_release(&a), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void pinned_bytes_stay(void **state)
{
	const struct sfshm_options tiny = {
		.slots = 8,
		.bytes = 64 << 10,
		.max_value = 64 << 10,
	};
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_pin pin;

	(void)state;
	assert_int_equal(put(h, 0, 40 << 10, SFSHM_FOREVER), 0);
	assert_int_equal(sfshm_pin(h, "key-0", 5, &pin, &result), SFSHM_CACHED);
	/* The key may go, its bytes may not. */
	for (int i = 1; i < 50; i++)
		assert_int_equal(put(h, i, 5 << 10, SFSHM_FOREVER), 0);
	assert_false(is_there(h, 0));
	assert_int_equal(put(h, 100, 40 << 10, SFSHM_FOREVER), -ENOSPC);
	assert_int_equal(sfshm_unpin(&pin), 0);
	assert_int_equal(put(h, 100, 40 << 10, SFSHM_FOREVER), 0);
	assert_sound(h);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_slots),
		in_segment(of_memory),
		in_segment(expired_ones_go_first),
		in_segment(what_is_asked_for_stays),
		in_segment(flights_stay),
		in_segment(failures_need_no_memory),
		in_segment(pinned_bytes_stay),
	};

	return test_main(tests);
}
