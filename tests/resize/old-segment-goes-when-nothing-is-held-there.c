/* SPDX-License-Identifier: MIT */
/*
 * A thread leaves the segment that a resize has replaced, and the process
 * unmaps it, once the thread holds nothing there. What other threads of the
 * process have ended is not held, though the thread's record still notes it.
 */
#include <pthread.h>

#include <sfshm/lock.h>
#include <sfshm/semaphore.h>

#include "resizing.h"

static struct sfshm *h;

static const struct sfshm_lock_options lock_detached = {
	.size = sizeof(lock_detached),
	.flags = SFSHM_LOCK_DETACHED,
};

static const struct sfshm_semaphore_options permit_detached = {
	.size = sizeof(permit_detached),
	.flags = SFSHM_SEMAPHORE_DETACHED,
	.max = 2,
};

/* In how many pieces this process has removed files of the name mapped. */
static int old_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];
	int n = 0;

	demand(maps != NULL);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, watch_path()) && strstr(line, "(deleted)");
	fclose(maps);
	return n;
}

static void resize_it(void)
{
	struct resizing *z = resizing_make(64);

	watch_end();
	assert_int_equal(child_gone(resizing_start(z)), 0);
	assert_int_equal(z->outcome, 0);
	assert_string_equal(resizing_get(h, "none"), "");
}

static void *unlock_it(void *lock)
{
	demand(sfshm_unlock(lock) == 0);
	return NULL;
}

static void *return_it(void *permit)
{
	demand(sfshm_permit_release(permit) == 0);
	return NULL;
}

static void elsewhere(void *(*end)(void *), void *what)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, end, what), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void after_nothing(void **state)
{
	(void)state;
	h = segment_open(NULL);
	assert_string_equal(resizing_get(h, "none"), "");
	assert_int_equal(old_mappings(), 0);
	resize_it();
	assert_int_equal(old_mappings(), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void after_a_lock_that_another_thread_ended(void **state)
{
	struct sfshm_lock lock;

	(void)state;
	h = segment_open(NULL);
	assert_int_equal(sfshm_lock(h, "key", 3, &lock_detached, &lock), 0);
	elsewhere(unlock_it, &lock);
	resize_it();
	assert_int_equal(old_mappings(), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void after_a_permit_that_another_thread_ended(void **state)
{
	struct sfshm_permit permit;

	(void)state;
	h = segment_open(NULL);
	assert_int_equal(sfshm_acquire(h, "s", 1, &permit_detached, &permit),
			 0);
	elsewhere(return_it, &permit);
	resize_it();
	assert_int_equal(old_mappings(), 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(after_nothing),
		in_segment(after_a_lock_that_another_thread_ended),
		in_segment(after_a_permit_that_another_thread_ended),
	};

	return test_main(tests);
}
