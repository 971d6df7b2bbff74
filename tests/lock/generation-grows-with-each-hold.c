/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L1, PROMISE-L7: the number of a hold is a fencing token. It grows
 * from one holder to the next, over deaths, other keys in the slot's place, and
 * resizes.
 */
#include <sfshm/lock.h>
#include <sfshm/resize.h>

#include "agent.h"
#include "watch.h"

static const struct sfshm_options small = {
	.slots = 16,
	.bytes = 64 << 10,
	.max_value = 4 << 10,
};

static uint64_t hold_once(struct sfshm *h, const char *key)
{
	struct sfshm_lock lock = SFSHM_LOCK_INIT;
	uint64_t generation;

	assert_int_equal(sfshm_lock_generation(&lock), 0);
	assert_true(sfshm_lock(h, key, strlen(key), NULL, &lock) >= 0);
	generation = sfshm_lock_generation(&lock);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_lock_generation(&lock), generation);
	return generation;
}

static void drive_out(struct sfshm *h)
{
	char key[32];

	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "other %d", i);
		hold_once(h, key);
	}
}

static void it_grows(void **state)
{
	const struct sfshm_options larger = {
		.size = sizeof(larger),
		.slots = 64,
	};
	struct sfshm *h = segment_open(&small);
	uint64_t last = hold_once(h, "key"), now;
	struct agent *a;

	(void)state;
	assert_int_not_equal(last, 0);
	for (int i = 0; i < 100; i++) {
		if (i % 25 == 10)
			drive_out(h);
		if (i % 25 == 20) {
			a = agent_start();
			agent_expect(a, "locked", "lock key");
			agent_kill(a);
		}
		if (i == 50)
			assert_int_equal(sfshm_resize(segment, &larger, 0, NULL,
						      NULL),
					 0);
		now = hold_once(h, "key");
		assert_true(now > last);
		last = now;
	}
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(it_grows),
	};

	return test_main(tests);
}
