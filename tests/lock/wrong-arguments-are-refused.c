/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L1: a call with wrong arguments takes no lock and answers an error.
 */
#include <sfshm/lock.h>

#include "testing.h"

static void each_of_them(void **state)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm *h = segment_open(NULL);
	static char longest[SFSHM_KEY_MAX + 1];
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(sfshm_lock(h, "k", 1, NULL, NULL), -EINVAL);
	assert_int_equal(sfshm_lock(h, NULL, 1, NULL, &lock), -EINVAL);
	assert_int_equal(sfshm_lock(h, "k", 0, NULL, &lock), -EINVAL);
	assert_int_equal(sfshm_lock(NULL, "k", 1, NULL, &lock), -EBADF);
	assert_int_equal(sfshm_lock(h, longest, sizeof(longest), NULL, &lock),
			 -ENAMETOOLONG);
	o.size--;
	assert_int_equal(sfshm_lock(h, "k", 1, &o, &lock), -EINVAL);
	o.size++;
	o.flags = 1u << 30;
	assert_int_equal(sfshm_lock(h, "k", 1, &o, &lock), -EINVAL);
	o.flags = 0;
	o.reserved = 1;
	assert_int_equal(sfshm_lock(h, "k", 1, &o, &lock), -EINVAL);
	assert_int_equal(sfshm_unlock(&lock), -ESTALE);
	assert_int_equal(sfshm_unlock(NULL), -EINVAL);
	assert_int_equal(sfshm_lock_key(NULL, NULL, 0), -EINVAL);
	assert_int_equal(sfshm_lock_generation(NULL), 0);
	/* The longest key is none of them. */
	assert_int_equal(sfshm_lock(h, longest, SFSHM_KEY_MAX, NULL, &lock), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_lock(h, "k", 1, NULL, &lock), -EBADF);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(each_of_them),
	};

	return test_main(tests);
}
