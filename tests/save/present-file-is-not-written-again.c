/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S5: a second writer of a present key gets "already present"; one
 * that waits gets what the first writer saved. A file that has been removed or
 * replaced is not present.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "saving.h"
#include "watch.h"

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static void told_so(void **state)
{
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT, look;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)state;
	assert_int_equal(saving_save(h, "key", "some text", &keep), 0);
	saving_begin(h, "key", &keep, SFSHM_CACHED, &save, &info);
	assert_string_equal(info.path, saving_path("file"));
	assert_int_equal(info.bytes, strlen("some text"));
	assert_int_equal(info.stage, SFSHM_SAVE_ANNOUNCED);
	assert_false(info.adopted);
	assert_int_equal(sfshm_save_fd(&save), -EBADF);
	look = saving_info(h, "key");
	assert_int_equal(look.checksum, info.checksum);
	assert_int_equal(look.generation, info.generation);
	assert_int_equal(watch_counter("saves_present"), 1);
	assert_int_equal(sfshm_close(h), 0);
}

static void *save_too(void *handle)
{
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	struct sfshm_save save;

	saving_begin(handle, "key", NULL, SFSHM_AWAITED, &save, &info);
	demand(info.bytes == strlen("some text"));
	return NULL;
}

static void who_waits_has_it(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;
	pthread_t thread;

	(void)state;
	saving_begin(h, "key", NULL, SFSHM_LEADER, &save, NULL);
	saving_write(&save, "some text");
	assert_int_equal(pthread_create(&thread, NULL, save_too, h), 0);
	assert_true(eventually(sfshm_flight_waiters(sfshm_save_flight(&save)) ==
			       1));
	assert_int_equal(sfshm_save_publish(&save), 0);
	pthread_join(thread, NULL);
	assert_int_equal(watch_counter("saves_present"), 1);
	/* It had no lifetime beyond that. */
	saving_begin(h, "key", NULL, SFSHM_LEADER, &save, NULL);
	assert_int_equal(sfshm_save_abort(&save), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void spoil(const char *how)
{
	const char *path = saving_path("file");

	if (!strcmp(how, "removed")) {
		assert_int_equal(unlink(path), 0);
	} else if (!strcmp(how, "cut")) {
		assert_int_equal(truncate(path, 3), 0);
	} else {
		int fd = open(saving_path("other"), O_CREAT | O_WRONLY, 0600);

		assert_int_equal(write(fd, "some TEXT", 9), 9);
		close(fd);
		assert_int_equal(rename(saving_path("other"), path), 0);
	}
}

static void spoiled(void **state)
{
	const char *const hows[] = { "removed", "cut", "replaced" };
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(saving_save(h, "key", "some text", &keep), 0);
		spoil(hows[i]);
		assert_int_equal(sfshm_save_get(h, "key", 3, &info), -ENODATA);
		assert_int_equal(saving_save(h, "key", "some text", &keep), 0);
		assert_string_equal(saving_text(), "some text");
		assert_int_equal(unlink(saving_path("file")), 0);
	}
	assert_int_equal(sfshm_close(h), 0);
}

static void unless_it_is_to_be(void **state)
{
	struct sfshm_save_options again = keep;
	struct sfshm *h = segment_open(NULL);

	(void)state;
	again.flags = SFSHM_SAVE_AGAIN | SFSHM_SAVE_SYNC;
	assert_int_equal(saving_save(h, "key", "old", &keep), 0);
	assert_int_equal(saving_save(h, "key", "newer", &again), 0);
	assert_string_equal(saving_text(), "newer");
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(saving_info(h, "key").bytes, 5);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(told_so),
		in_folder(who_waits_has_it),
		in_folder(spoiled),
		in_folder(unless_it_is_to_be),
	};

	return test_main(tests);
}
