/* SPDX-License-Identifier: MIT */
/*
 * A caller that uses a handle after its close gets an error, also when other
 * handles have been opened since. A second close does not close one of these.
 */
#include "testing.h"

/* So many are closed after it before its address is used again. */
#define LATER 1024

static void assert_refused(struct sfshm *stale)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	assert_int_equal(sfshm_get(stale, "key", 3, &result), -EBADF);
	assert_int_equal(sfshm_begin(stale, "key", 3, NULL, &flight, &result),
			 -EBADF);
	assert_int_equal(sfshm_close(stale), -EBADF);
}

static void as_others_are_opened_and_closed(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *stale = segment_open(NULL), *h = segment_open(NULL);

	(void)state;
	assert_int_equal(sfshm_close(stale), 0);
	for (int i = 0; i < LATER; i++) {
		struct sfshm *next = segment_open(NULL);

		assert_ptr_not_equal(next, stale);
		if (i % 64 == 0)
			assert_refused(stale);
		assert_int_equal(sfshm_close(next), 0);
	}
	assert_int_equal(sfshm_get(h, "key", 3, &result), -ENODATA);
	assert_int_equal(sfshm_close(h), 0);
}

/* And it is: their memory is bounded by how many are open, and that. */
static void then_its_memory_is_used_again(void **state)
{
	struct sfshm *first = segment_open(NULL), *next = NULL;

	(void)state;
	assert_int_equal(sfshm_close(first), 0);
	for (int i = 0; i < 2 * LATER + 2 && next != first; i++) {
		next = segment_open(NULL);
		assert_int_equal(sfshm_close(next), 0);
	}
	assert_ptr_equal(next, first);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(as_others_are_opened_and_closed),
		in_segment(then_its_memory_is_used_again),
	};

	return test_main(tests);
}
