/* SPDX-License-Identifier: MIT */
/*
 * A process that is killed while it makes a segment leaves a whole segment or
 * none, and no other file.
 */
#include <dirent.h>
#include <signal.h>

#include "crowd.h"
#include "testing.h"
#include "watch.h"

#define ROUNDS (200 / SLOWNESS)

/* Large enough that making it takes a while. */
static const struct sfshm_options large = {
	.slots = 1 << 20,
	.bytes = 64 << 20,
};

static void create_for_ever(int unused, void *arg)
{
	uint32_t *made = arg;

	(void)unused;
	for (;;) {
		struct sfshm *h = segment_open(&large);

		fetch_add_relaxed(made, 1);
		demand(sfshm_close(h) == 0);
		(void)!sfshm_unlink(segment);
	}
}

/* Files in the segments' folder whose names hold this test's segment's. */
static int count_files(void)
{
	DIR *dir = opendir("/dev/shm");
	struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += strstr(entry->d_name, segment) != NULL;
	closedir(dir);
	return n;
}

static void at_any_moment(void **state)
{
	uint32_t *made = shared_memory(sizeof(*made));
	int left_whole = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		int pid = child_start(create_for_ever, 0, made);
		bool there;

		/* A different moment each time. */
		usleep((useconds_t)(i * 137 % 5000));
		kill(pid, SIGKILL);
		child_gone(pid);
		there = access(watch_path(), F_OK) == 0;
		assert_int_equal(count_files(), there);
		left_whole += there;
		if (there) {
			struct sfshm *h;

			assert_int_equal(sfshm_open(&h, segment, NULL), 0);
			assert_int_equal(sfshm_close(h), 0);
			assert_int_equal(sfshm_unlink(segment), 0);
		}
	}
	printf("# %d of %d left a whole one; %u made\n", left_whole, ROUNDS,
	       *made);
	assert_in_range(left_whole, 0, ROUNDS - 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(at_any_moment),
	};

	return test_main(tests);
}
