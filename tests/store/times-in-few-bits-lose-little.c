/* SPDX-License-Identifier: MIT */
/*
 * The time that work took comes back from its few bits less than a fifth
 * shorter, a grace less than a thousandth longer, and a time beyond the
 * largest as the largest.
 */
#include "store/scale.h"

#include "testing.h"

#define UNIT UINT64_C(16384) /* of how long work took, ns */

static void what_work_took(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (uint64_t ns = 0; ns < 7 * UNIT << 31; ns += 1 + ns / 1000) {
		uint64_t back = unscale_took(scale_took(ns));

		assert_in_range(back, last, ns);
		assert_true(ns - back < UNIT || ns - back < ns / 5);
		last = back;
	}
	assert_int_equal(scale_took(7 * UNIT << 31), UINT8_MAX);
	assert_int_equal(scale_took(UINT64_MAX), UINT8_MAX);
}

static void how_long_an_old_value_serves(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (uint64_t ms = 0; ms < UINT32_MAX; ms += 1 + ms / 1000) {
		uint64_t back = unscale_ms(scale_ms((uint32_t)ms));

		assert_true(back >= ms && back >= last);
		assert_true(back - ms <= ms / 1000);
		last = back;
	}
	assert_true(unscale_ms(scale_ms(UINT32_MAX - 1)) >= UINT32_MAX - 1);
	assert_true(unscale_ms(scale_ms(UINT32_MAX)) == UINT64_MAX);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_work_took),
		cmocka_unit_test(how_long_an_old_value_serves),
	};

	return test_main(tests);
}
