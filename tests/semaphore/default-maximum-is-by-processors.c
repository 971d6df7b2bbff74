/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S3: a semaphore without a maximum has one permit more than twice the
 * processors that are online.
 */
#include <sfshm/semaphore.h>

#include "testing.h"

static uint32_t made_with(const struct sfshm_semaphore_options *o)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;

	assert_int_equal(sfshm_acquire(h, "s", 1, o, &permit), 0);
	assert_int_equal(sfshm_semaphore_info(h, "s", 1, &info), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_int_equal(sfshm_close(h), 0);
	return info.max;
}

static void where_nothing_is_said(void **state)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	(void)state;
	assert_int_equal(made_with(NULL), 2 * online + 1);
}

static void where_zero_is_said(void **state)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	(void)state;
	assert_int_equal(made_with(&o), 2 * online + 1);
	/* It stays what it is. */
	o.max = 77;
	assert_int_equal(made_with(&o), 2 * online + 1);
}

static void unless_another_is_said(void **state)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;

	(void)state;
	o.max = 77;
	assert_int_equal(made_with(&o), 77);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(where_nothing_is_said),
		in_segment(where_zero_is_said),
		in_segment(unless_another_is_said),
	};

	return test_main(tests);
}
