/* SPDX-License-Identifier: MIT */
/*
 * The test publishes small values for a while, then large ones, then small
 * ones again. After each shift the memory goes to the new values: of all bytes
 * at least 85 % hold living values, or all slots are in use.
 */
#include "crowd.h"
#include "watch.h"

#define SLOTS 1024
#define ARENA (2u << 20)
#define FULL 85 /* percent */

static const struct sfshm_options shape = {
	.slots = SLOTS,
	.bytes = ARENA,
	.max_value = 64 << 10,
};

static int next_key;

static void put(struct sfshm *h, size_t len)
{
	static uint8_t data[64 << 10];
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char key[16];

	snprintf(key, sizeof(key), "key-%d", next_key++);
	demand(sfshm_begin(h, key, strlen(key), &keep, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, data, len) == 0);
	sfshm_result_clear(&result);
}

/* How much of the segment living values take, percent: slots or bytes. */
static unsigned int used(void)
{
	struct sfshm_slot_info info = { .size = sizeof(info) };
	struct sfshm_view *view;
	uint64_t bytes = 0, slots = 0;

	demand(sfshm_view_open(&view, segment, NULL, 0) == 0);
	for (uint32_t i = 0; sfshm_view_slot(view, i, &info) != -ERANGE; i++) {
		if (info.phase != SFSHM_PHASE_DONE)
			continue;
		bytes += (info.value_bytes + 63) / 64 * 64;
		slots++;
	}
	sfshm_view_close(view);
	bytes = bytes * 100 / ARENA;
	slots = slots * 100 / SLOTS;
	return (unsigned int)(bytes > slots ? bytes : slots);
}

/* Three times what there is room for; then it is looked at now and then. */
static void fill_with(struct sfshm *h, size_t len)
{
	size_t fits = ARENA / ((len + 63) / 64 * 64);
	size_t n = fits < SLOTS ? fits : SLOTS;
	unsigned int least = 100;

	for (size_t i = 0; i < 3 * n; i++)
		put(h, len);
	for (size_t i = 0; i < 3 * n; i++) {
		put(h, len);
		if (i % (n / 8 + 1) == 0 && used() < least)
			least = used();
	}
	printf("# values of %zu bytes: at least %u %% used\n", len, least);
	assert_true(least >= FULL);
}

static void shift_after_shift(void **state)
{
	static const size_t lens[] = { 64,    16000, 64,   50000, 3000,
				       50000, 100,   4096, 64,    32768 };
	struct sfshm *h = segment_open(&shape);

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		fill_with(h, lens[i]);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* What is removed by hand is free as well. */
static void after_a_purge(void **state)
{
	struct sfshm *h = segment_open(&shape);

	(void)state;
	for (int i = 0; i < 3; i++) {
		fill_with(h, i % 2 ? 20000 : 64);
		assert_true(sfshm_purge(h) > 0);
	}
	fill_with(h, 20000);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(shift_after_shift),
		in_segment(after_a_purge),
	};

	return test_main(tests);
}
