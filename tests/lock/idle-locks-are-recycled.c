/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L6: a small segment serves locks of any number of keys, one after
 * the other. Locks that are held stay, and so do locks whose next holder has
 * to learn of a death.
 */
#include <sfshm/lock.h>

#include "agent.h"
#include "crowd.h"
#include "watch.h"

#define SLOTS 64
#define MANY (1000000 / SLOWNESS / SLOWNESS)
#define HELD 20

static const struct sfshm_options small = {
	.slots = SLOTS,
	.bytes = 64 << 10,
	.max_value = 4 << 10,
};

static void lock_many(struct sfshm *h, const char *format, int n)
{
	struct sfshm_lock lock;
	char key[64];

	for (int i = 0; i < n; i++) {
		int len = snprintf(key, sizeof(key), format, i);

		assert_int_equal(sfshm_lock(h, key, (size_t)len, NULL, &lock),
				 0);
		assert_int_equal(sfshm_unlock(&lock), 0);
	}
}

static void million_keys_in_64_slots(void **state)
{
	struct sfshm *h = segment_open(&small);

	(void)state;
	lock_many(h, "%d", MANY);
	assert_true(watch_counter("locks") >= MANY);
	assert_sound(h);
	/* Long keys have memory of their own, which comes back as well. */
	lock_many(h, "a key that takes a piece of value memory, number %d",
		  MANY / 10);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void held_ones_stay(void **state)
{
	struct sfshm *h = segment_open(&small);
	struct agent *a = agent_start();
	struct sfshm_lock locks[HELD];

	(void)state;
	agent_expect(a, "locked", "lock orphan");
	agent_kill(a);
	for (int i = 0; i < HELD; i++)
		assert_int_equal(sfshm_lock(h, &i, sizeof(i), NULL, &locks[i]),
				 0);
	lock_many(h, "%d", 100 * SLOTS);
	a = agent_start();
	agent_expect(a, "locked owner_died", "lock orphan");
	for (int i = 0; i < HELD; i++)
		assert_int_equal(sfshm_unlock(&locks[i]), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void die_with_many(int first, void *unused)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;

	(void)unused;
	for (int i = 0; i < SLOTS / 2; i++) {
		int key = first + i;

		demand(sfshm_lock(h, &key, sizeof(key), NULL, &lock) == 0);
	}
	raise(SIGKILL);
}

/* ... unless nothing else is left: then they must make room, too. */
static void what_is_owed_does_not_fill_it(void **state)
{
	struct sfshm *h = segment_open(&small);

	(void)state;
	for (int i = 0; i < 10; i++) {
		child_gone(child_start(die_with_many, i * SLOTS, NULL));
		lock_many(h, "%d", 2 * SLOTS);
	}
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(million_keys_in_64_slots),
		in_segment(held_ones_stay),
		in_segment(what_is_owed_does_not_fill_it),
	};

	return test_main(tests);
}
