/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C19: whoever reads a value with tags gets the bytes that were
 * published, of any length up to the largest, and does not see the tags.
 */
#include <sfshm/pin.h>
#include <sfshm/tag.h>

#include "agent.h"
#include "policy.h"
#include "watch.h"

#define LARGEST 9984 /* whole granules: with tags it takes one more */

static const struct sfshm_options small = {
	.size = sizeof(small),
	.max_value = LARGEST,
	.bytes = 64 << 10,
};

static uint8_t data[LARGEST + 1];

static void set_up(void)
{
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_unlink(segment), 0);
	h = segment_open(&small);
}

static int publish_bytes(size_t len, unsigned int seed, int tags)
{
	static const char *const names[] = { "a", "b", "c", "d" };

	assert_int_equal(
		begin(POLICY(.flags = SFSHM_REFRESH, .ttl_ms = SFSHM_FOREVER)),
		SFSHM_LEADER);
	for (int i = 0; i < tags; i++)
		assert_int_equal(sfshm_flight_tag(&flight, names[i], 1), 0);
	value_fill(data, len, seed);
	return sfshm_publish(&flight, data, len);
}

static void assert_whole(const void *bytes, size_t len, unsigned int seed)
{
	if (len)
		assert_int_equal(value_seed(bytes, len), seed);
}

static void assert_result(size_t len, unsigned int seed)
{
	assert_int_equal(result.value.len, len);
	assert_whole(result.value.data, len, seed);
}

static void assert_pinned(size_t len, unsigned int seed)
{
	static uint8_t copy[LARGEST];
	struct sfshm_pin pin;
	struct iovec iov[3];
	size_t at = 0;
	int n;

	assert_int_equal(sfshm_pin(h, "key", 3, &pin, &result), SFSHM_CACHED);
	assert_int_equal(result.value.len, len);
	while ((n = sfshm_pin_iov(&pin, at, iov, 3)) > 0)
		for (int i = 0; i < n; i++) {
			assert_in_range(iov[i].iov_len, 1, len - at);
			memcpy(copy + at, iov[i].iov_base, iov[i].iov_len);
			at += iov[i].iov_len;
		}
	assert_int_equal(n, 0);
	assert_int_equal(at, len);
	assert_whole(copy, len, seed);
	assert_int_equal(sfshm_unpin(&pin), 0);
}

/* Without a buffer, with a large one, by each call that reads. */
static void assert_reads(size_t len, unsigned int seed)
{
	struct sfshm_slot_info slot;

	sfshm_result_clear(&result);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_result(len, seed);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_result(len, seed);
	assert_int_equal(sfshm_peek(h, "key", 3, NULL, &result), SFSHM_CACHED);
	assert_result(len, seed);
	assert_int_equal(sfshm_wait(h, "key", 3, NULL, &result), SFSHM_CACHED);
	assert_result(len, seed);
	assert_int_equal(begin(NULL), SFSHM_CACHED);
	assert_result(len, seed);
	assert_pinned(len, seed);
	assert_true(watch_key("key", &slot));
	assert_int_equal(slot.value_bytes, len);
}

static void of_any_length(void **state)
{
	static const size_t sizes[] = {
		0,  1,   23,  24,   25,   63,          64,      65, 87, 88,
		89, 128, 255, 4056, 4096, LARGEST - 1, LARGEST, 0,  64, 24,
	};
	unsigned int seed = 0;

	(void)state;
	set_up();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int tags = 0; tags <= SFSHM_TAGS_MAX; tags += 2) {
			seed = (seed + 1) & 0x7f;
			assert_int_equal(publish_bytes(sizes[i], seed, tags),
					 0);
			assert_reads(sizes[i], seed);
			assert_sound(h);
		}
}

static void one_byte_too_many_is_refused(void **state)
{
	(void)state;
	set_up();
	assert_int_equal(publish_bytes(LARGEST, 1, 1), 0);
	assert_int_equal(publish_bytes(LARGEST + 1, 2, 1), -EMSGSIZE);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_reads(LARGEST, 1);
}

static void pieces_are_gathered(void **state)
{
	struct iovec iov[100];

	(void)state;
	value_fill(data, 3700, 5);
	for (size_t i = 0; i < 100; i++)
		iov[i] = (struct iovec){ data + i * 37, 37 };
	assert_int_equal(begin(POLICY(.ttl_ms = SFSHM_FOREVER)), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_tag(&flight, "a", 1), 0);
	assert_int_equal(sfshm_publishv(&flight, iov, 100), 0);
	assert_reads(3700, 5);
}

/* The largest value finds no room, and goes to its followers. */
static void without_room_it_reaches_the_followers(void **state)
{
	struct sfshm_pin pins[8];
	struct agent *waiter;
	char key[16];
	int n = 0;

	(void)state;
	set_up();
	waiter = agent_start();
	value_fill(data, LARGEST, 7);
	for (; n < 8; n++) {
		snprintf(key, sizeof(key), "pinned %d", n);
		if (sfshm_put_tagged(h, key, strlen(key),
				     POLICY(.ttl_ms = SFSHM_FOREVER), data,
				     LARGEST, NULL, 0) ||
		    sfshm_pin(h, key, strlen(key), &pins[n], &result))
			break;
	}
	assert_in_range(n, 6, 7);
	assert_int_equal(begin(POLICY(.ttl_ms = SFSHM_FOREVER)), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_tag(&flight, "a", 1), 0);
	agent_say(waiter, "begin key");
	await_waiters("key", 1);
	/* Only a follower that has announced itself counts. */
	agent_asleep(waiter);
	assert_int_equal(sfshm_publish(&flight, data, LARGEST), SFSHM_UNCACHED);
	agent_answers(waiter, "awaited bytes 9984 7");
	while (n--)
		assert_int_equal(sfshm_unpin(&pins[n]), 0);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(of_any_length),
		in_policy(one_byte_too_many_is_refused),
		in_policy(pieces_are_gathered),
		in_policy(without_room_it_reaches_the_followers),
	};

	return test_main(tests);
}
