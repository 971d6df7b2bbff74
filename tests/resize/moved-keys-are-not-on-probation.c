/* SPDX-License-Identifier: MIT */
/*
 * A resize moves keys that nobody reads meanwhile. Keys that are new after it,
 * and asked for once, displace none of them.
 */
#include "resizing.h"

#define SLOTS 512
#define MOVED 200
#define NEW (2 * SLOTS)

static void put(struct sfshm *h, const char *tag, int i)
{
	char key[32];

	snprintf(key, sizeof(key), "%s-%d", tag, i);
	resizing_put(h, key, "value");
}

static void new_keys_go_first(void **state)
{
	const struct sfshm_options small = { .slots = 2 * MOVED };
	struct sfshm *h = segment_open(&small);
	char key[32];
	int left = 0;

	(void)state;
	for (int i = 0; i < MOVED; i++)
		put(h, "moved", i);
	assert_int_equal(resizing_run(resizing_make(SLOTS)), 0);
	for (int i = 0; i < NEW; i++)
		put(h, "new", i);
	for (int i = 0; i < MOVED; i++) {
		snprintf(key, sizeof(key), "moved-%d", i);
		left += *resizing_get(h, key) != '\0';
	}
	assert_int_equal(left, MOVED);
	assert_int_equal(sfshm_close(h), 0);
	resizing_settled();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(new_keys_go_first),
	};

	return test_main(tests);
}
