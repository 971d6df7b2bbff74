/* SPDX-License-Identifier: MIT */
/* How large a segment is does not matter to who opens it. */
#include <time.h>

#include "crowd.h"
#include "testing.h"

#define TRIES 15
#define BOUND_US (1000 * SLOWNESS)

static const struct sfshm_options million = { .slots = 1000000 };

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* In a fresh process, from opening it to having looked a key up. */
static void attach(int number, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t *us = arg, began = now_us();
	struct sfshm *h;

	demand(sfshm_open(&h, segment, NULL) == 0);
	demand(sfshm_get(h, "key", 3, &result) == -ENODATA);
	us[number] = now_us() - began;
	demand(sfshm_close(h) == 0);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void median_of_several(void **state)
{
	uint64_t *us = shared_memory(TRIES * sizeof(*us));

	(void)state;
	assert_int_equal(sfshm_close(segment_open(&million)), 0);
	for (int i = 0; i < TRIES; i++)
		assert_int_equal(child_gone(child_start(attach, i, us)), 0);
	qsort(us, TRIES, sizeof(*us), compare);
	printf("# median %d us\n", (int)us[TRIES / 2]);
	assert_in_range(us[TRIES / 2], 1, BOUND_US);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(median_of_several),
	};

	return test_main(tests);
}
