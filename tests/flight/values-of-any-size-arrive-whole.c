/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F9: Values arrive whole from no byte at all to the segment's largest
 * value, and one byte more is refused outside sfshm_do().
 */
#include <sys/uio.h>

#include "testing.h"

#define LARGEST 100001

static const struct sfshm_options small = {
	.max_value = LARGEST,
	.bytes = 1 << 20,
};
static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
	.flags = SFSHM_REFRESH,
};

static int publish_size(struct sfshm *h, size_t len, unsigned int seed)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	static uint8_t data[LARGEST + 1];
	struct sfshm_flight flight;
	int r;

	assert_int_equal(sfshm_begin(h, "key", 3, &keep, &flight, &result),
			 SFSHM_LEADER);
	value_fill(data, len, seed);
	r = sfshm_publish(&flight, data, len);
	if (r)
		assert_int_equal(sfshm_release(&flight), 0);
	sfshm_result_clear(&result);
	return r;
}

static void assert_value(struct sfshm *h, size_t len, unsigned int seed)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	assert_int_equal(sfshm_get(h, "key", 3, &result), SFSHM_CACHED);
	assert_int_equal(result.value.len, len);
	if (len)
		assert_int_equal(value_seed(result.value.data, len), seed);
	sfshm_result_clear(&result);
}

static void sizes_around_each_border(void **state)
{
	static const size_t sizes[] = {
		0,           1,   63,  64,   65,   0,    127,  128,
		129,         255, 256, 257,  4095, 4096, 4097, LARGEST,
		LARGEST - 1, 0,   1,   1000, 64,   1000,
	};
	struct sfshm *h = segment_open(&small);

	(void)state;
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(publish_size(h, sizes[i], i + 1), 0);
		assert_value(h, sizes[i], i + 1);
	}
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* The flight is still the leader's then, and the last good value stands. */
static void one_byte_too_many_is_refused(void **state)
{
	struct sfshm *h = segment_open(&small);

	(void)state;
	assert_int_equal(publish_size(h, LARGEST, 7), 0);
	assert_int_equal(publish_size(h, LARGEST + 1, 8), -EMSGSIZE);
	assert_value(h, LARGEST, 7);
	assert_int_equal(sfshm_close(h), 0);
}

static void pieces_are_gathered(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(&small);
	struct sfshm_flight flight;
	struct iovec iov[100];
	uint8_t data[100 * 37];

	(void)state;
	value_fill(data, sizeof(data), 5);
	for (size_t i = 0; i < 100; i++)
		iov[i] = (struct iovec){ data + i * 37, 37 };
	assert_int_equal(sfshm_begin(h, "key", 3, &keep, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publishv(&flight, NULL, 1), -EINVAL);
	assert_int_equal(sfshm_publishv(&flight, iov, -1), -EINVAL);
	assert_int_equal(sfshm_publish(&flight, NULL, 1), -EINVAL);
	assert_int_equal(sfshm_publishv(&flight, iov, 100), 0);
	assert_value(h, sizeof(data), 5);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

/* More than there is memory for, spread over several keys. */
static void no_room_leaves_the_flight_with_its_leader(void **state)
{
	const struct sfshm_options tiny = {
		.slots = 4,
		.bytes = 64 << 10,
		.max_value = 64 << 10,
	};
	const struct sfshm_policy strict = {
		.size = sizeof(strict),
		.flags = SFSHM_KEEP,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight a, b;
	struct sfshm *h = segment_open(&tiny);
	static uint8_t data[64 << 10];

	(void)state;
	assert_int_equal(sfshm_begin(h, "a", 1, NULL, &a, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_begin(h, "b", 1, &strict, &b, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&a, data, 40 << 10), 0);
	assert_int_equal(sfshm_begin(h, "a", 1, NULL, &a, &result),
			 SFSHM_LEADER);
	/* a's old value is the last good one of a flight under way: kept. */
	assert_int_equal(sfshm_publish(&b, data, 40 << 10), -ENOSPC);
	assert_int_equal(sfshm_publish(&b, data, 10 << 10), 0);
	assert_int_equal(sfshm_release(&a), 0);
	assert_sound(h);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(sizes_around_each_border),
		in_segment(one_byte_too_many_is_refused),
		in_segment(pieces_are_gathered),
		in_segment(no_room_leaves_the_flight_with_its_leader),
	};

	return test_main(tests);
}
