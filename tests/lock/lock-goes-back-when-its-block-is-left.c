/* SPDX-License-Identifier: MIT */
/* PROMISE-L1: SFSHM_LOCKED gives a lock back on every way out of its block. */
#include <sfshm/lock.h>

#include "testing.h"

static int hold_and_leave(struct sfshm *h, int how)
{
	for (int i = 0; i < 3; i++) {
		SFSHM_LOCKED struct sfshm_lock lock = SFSHM_LOCK_INIT;

		if (how == 0)
			return 0;
		assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
		if (how == 1)
			return 1;
		if (how == 2)
			continue;
		if (how == 3)
			break;
		/* What is given back early is given back once. */
		assert_int_equal(sfshm_unlock(&lock), 0);
	}
	return how;
}

static void whatever_the_way(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;

	(void)state;
	for (int how = 0; how < 5; how++) {
		assert_int_equal(hold_and_leave(h, how), how);
		assert_int_equal(sfshm_trylock(h, "key", 3, &lock), 0);
		assert_int_equal(sfshm_unlock(&lock), 0);
	}
	sfshm_lock_cleanup(NULL);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(whatever_the_way),
	};

	return test_main(tests);
}
