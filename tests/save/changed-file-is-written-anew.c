/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C11: a file that has been changed or replaced is not present, even if
 * its length and the number of its inode are the same.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "saving.h"
#include "sync/savefile.h"
#include "watch.h"

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static bool has_changed_since(const struct stat *before)
{
	struct stat now;
	int fd = open(saving_path("file"), O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "some TEXT", 9, 0), 9);
	assert_int_equal(fstat(fd, &now), 0);
	close(fd);
	assert_int_equal(now.st_ino, before->st_ino);
	assert_int_equal(now.st_size, before->st_size);
	/* The file system's clock has its ticks. */
	return now.st_ctim.tv_sec != before->st_ctim.tv_sec ||
	       now.st_ctim.tv_nsec != before->st_ctim.tv_nsec;
}

static void in_place(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	struct sfshm_save save;
	struct stat st;

	(void)state;
	assert_int_equal(saving_save(h, "key", "some text", &keep), 0);
	saving_begin(h, "key", &keep, SFSHM_CACHED, &save, NULL);
	assert_int_equal(stat(saving_path("file"), &st), 0);
	assert_true(eventually(has_changed_since(&st)));
	assert_int_equal(sfshm_save_get(h, "key", 3, &info), -ENODATA);
	assert_int_equal(saving_save(h, "key", "some text", &keep), 0);
	assert_string_equal(saving_text(), "some text");
	assert_int_equal(watch_counter("saves_missing"), 1);
	saving_begin(h, "key", &keep, SFSHM_CACHED, &save, NULL);
	assert_int_equal(sfshm_close(h), 0);
}

/* Another file system's inode may have the same number. */
static void each_mark_counts(void **state)
{
	struct savefile_sum is, other;
	struct sfshm *h = segment_open(NULL);
	const char *path = saving_path("file");
	int fd;

	(void)state;
	assert_int_equal(saving_save(h, "key", "some text", NULL), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(savefile_sum(fd, &is), 0);
	close(fd);
	assert_true(savefile_seen(path, &is));
	other = is;
	other.bytes++;
	assert_false(savefile_seen(path, &other));
	other = is;
	other.device++;
	assert_false(savefile_seen(path, &other));
	other = is;
	other.inode++;
	assert_false(savefile_seen(path, &other));
	other = is;
	other.changed++;
	assert_false(savefile_seen(path, &other));
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(in_place),
		in_folder(each_mark_counts),
	};

	return test_main(tests);
}
