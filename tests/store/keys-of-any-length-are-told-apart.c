/* SPDX-License-Identifier: MIT */
/* A key is any bytes, from one to SFSHM_KEY_MAX of them. */
#include "agent.h"
#include "testing.h"

static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

/* Makes the key's value: its own bytes, which then tell it. */
static void put(struct sfshm *h, const uint8_t *key, size_t len)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	assert_int_equal(sfshm_begin(h, key, len, &keep, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, key, len), 0);
	sfshm_result_clear(&result);
}

static void assert_there(struct sfshm *h, const uint8_t *key, size_t len)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	assert_int_equal(sfshm_get(h, key, len, &result), SFSHM_CACHED);
	assert_int_equal(result.value.len, len);
	assert_memory_equal(result.value.data, key, len);
	sfshm_result_clear(&result);
}

/* Each is the beginning of the next, NULs included. */
static void by_length_alone(void **state)
{
	static const uint8_t zeroes[SFSHM_KEY_MAX];
	struct sfshm *h = segment_open(NULL);

	(void)state;
	for (size_t len = 1; len <= SFSHM_KEY_MAX; len++)
		put(h, zeroes, len);
	for (size_t len = 1; len <= SFSHM_KEY_MAX; len++)
		assert_there(h, zeroes, len);
	assert_sound(h);
	for (size_t len = 1; len <= SFSHM_KEY_MAX; len += 3)
		assert_int_equal(sfshm_forget(h, zeroes, len), 0);
	for (size_t len = 1; len <= SFSHM_KEY_MAX; len++)
		if (len % 3 == 1)
			assert_int_equal(sfshm_forget(h, zeroes, len),
					 -ENODATA);
		else
			assert_there(h, zeroes, len);
	assert_int_equal(sfshm_forget(h, zeroes, SFSHM_KEY_MAX + 1),
			 -ENAMETOOLONG);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* All 256 values of one byte, at the end, the middle and the beginning. */
static void by_one_byte(void **state)
{
	static const size_t lengths[] = { 1, 23, 24, 25, 64, 65, 255, 1024 };
	struct sfshm *h = segment_open(NULL);
	uint8_t key[SFSHM_KEY_MAX];

	(void)state;
	for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
		size_t len = lengths[n], at = n % 3 * (len - 1) / 2;

		memset(key, 'k', sizeof(key));
		for (int byte = 0; byte < 256; byte++) {
			key[at] = (uint8_t)byte;
			put(h, key, len);
		}
		for (int byte = 0; byte < 256; byte++) {
			key[at] = (uint8_t)byte;
			assert_there(h, key, len);
		}
	}
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* A flight on a long key is found and followed like any other. */
static void long_ones_are_shared(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	char key[256];

	(void)state;
	memset(key, 'x', 255);
	key[255] = '\0';
	agent_expect(a, "leader", "begin %s forever", key);
	agent_expect(b, "-EBUSY", "begin %s try", key);
	agent_expect(b, "leader", "begin %sx", key);
	agent_expect(a, "ok", "publish value");
	agent_expect(b, "cached value", "begin %s", key);
	agent_kill(b);
	agent_expect(a, "0", "verify");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_length_alone),
		in_segment(by_one_byte),
		in_segment(long_ones_are_shared),
	};

	return test_main(tests);
}
