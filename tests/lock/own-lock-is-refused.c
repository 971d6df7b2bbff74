/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L3, PROMISE-C14: a thread that asks for a lock that it holds gets an
 * error, and does not hang.
 */
#include <sfshm/lock.h>

#include "testing.h"

static int ask(struct sfshm *h, const char *key, uint32_t flags, uint32_t rank,
	       struct sfshm_lock *lock)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	o.flags = flags;
	o.rank = rank;
	return sfshm_lock(h, key, strlen(key), &o, lock);
}

static void as_deadlock_or_as_busy(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock, again;

	(void)state;
	/* A rank says nothing about a lock that is held already. */
	for (uint32_t rank = 0; rank <= SFSHM_LOCK_RANK_MAX; rank += 9) {
		assert_int_equal(ask(h, "key", 0, rank, &lock), 0);
		assert_int_equal(ask(h, "key", 0, rank, &again), -EDEADLK);
		assert_int_equal(ask(h, "key", SFSHM_LOCK_TRY, 0, &again),
				 -EDEADLK);
		assert_int_equal(ask(h, "key", SFSHM_LOCK_OWN_IS_BUSY, rank,
				     &again),
				 -EBUSY);
		assert_int_equal(ask(h, "key",
				     SFSHM_LOCK_OWN_IS_BUSY | SFSHM_LOCK_TRY, 0,
				     &again),
				 -EBUSY);
		/* What was not taken is not there to be given back. */
		assert_int_equal(sfshm_unlock(&again), -ESTALE);
		assert_int_equal(sfshm_unlock(&lock), 0);
	}
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* More than are noted by name. */
static void among_many_that_are_held(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock locks[40], again;

	(void)state;
	for (char key = 0; key < 40; key++)
		assert_int_equal(sfshm_lock(h, &key, 1, NULL, &locks[(int)key]),
				 0);
	for (char key = 0; key < 40; key++)
		assert_int_equal(sfshm_lock(h, &key, 1, NULL, &again),
				 -EDEADLK);
	assert_sound(h);
	for (int i = 0; i < 40; i++)
		assert_int_equal(sfshm_unlock(&locks[i]), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(as_deadlock_or_as_busy),
		in_segment(among_many_that_are_held),
	};

	return test_main(tests);
}
