/* SPDX-License-Identifier: MIT */
/*
 * A segment has a million keys of 24 bytes with values of 64 bytes. Each key
 * is there, and costs at most 128 bytes of memory beyond its own.
 */
#include "testing.h"
#include "watch.h"

#define KEYS (1000000 / SLOWNESS)
#define KEY 24
#define VALUE 64
#define MOST 128

static const struct sfshm_options shape = {
	.slots = KEYS,
	.bytes = (uint64_t)KEYS * VALUE,
	.max_value = VALUE,
};

static size_t key_make(char *text, int i)
{
	return (size_t)snprintf(text, KEY + 1, "key-%020d", i);
}

static void put_all(struct sfshm *h, struct sfshm_result *result)
{
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	uint8_t value[VALUE];

	for (int i = 0; i < KEYS; i++) {
		struct sfshm_flight flight;
		char key[KEY + 1];

		demand(key_make(key, i) == KEY);
		demand(sfshm_begin(h, key, KEY, &keep, &flight, result) ==
		       SFSHM_LEADER);
		value_fill(value, sizeof(value), (unsigned int)i & 0x7f);
		demand(sfshm_publish(&flight, value, sizeof(value)) == 0);
	}
}

static void get_all(struct sfshm *h, struct sfshm_result *result)
{
	for (int i = 0; i < KEYS; i++) {
		char key[KEY + 1];

		key_make(key, i);
		demand(sfshm_get(h, key, KEY, result) == SFSHM_CACHED);
		demand(result->value.len == VALUE);
		demand(value_seed(result->value.data, VALUE) == (i & 0x7f));
	}
}

static void each_is_there(void **state)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(&shape);
	struct sfshm_view *view;
	uint64_t each;

	(void)state;
	put_all(h, &result);
	get_all(h, &result);
	assert_int_equal(watch_counter("evictions"), 0);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_segment(view, &info), 0);
	sfshm_view_close(view);
	each = info.memory_bytes / KEYS - KEY - VALUE;
	printf("# %d keys in %d MiB: %d bytes each beyond key and value\n",
	       KEYS, (int)(info.memory_bytes >> 20), (int)each);
	assert_true(each <= MOST);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(each_is_there),
	};

	return test_main(tests);
}
