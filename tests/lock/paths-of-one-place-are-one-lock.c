/* SPDX-License-Identifier: MIT */
/* PROMISE-L1: all paths of one place in the file system name the same lock. */
#include <limits.h>
#include <sys/stat.h>

#include <sfshm/lock.h>

#include "testing.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/sfshm-test-XXXXXX");
	if (!mkdtemp(dir) || chdir(dir) || mkdir("folder", 0700) ||
	    symlink("folder", "link") || symlink("nowhere", "dangling") ||
	    symlink("loop", "loop"))
		return -1;
	fclose(fopen("folder/file", "w"));
	return segment_setup(state);
}

static int remove_dir(void **state)
{
	static const char *const all[] = {
		"folder/file", "folder/new", "folder",
		"link",        "dangling",   "loop",
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		remove(all[i]);
	if (chdir("/") || rmdir(dir))
		return -1;
	return segment_teardown(state);
}

static void same(struct sfshm *h, const char *one, const char *other)
{
	struct sfshm_lock lock, again;

	assert_int_equal(sfshm_lock_path(h, one, NULL, &lock), 0);
	assert_int_equal(sfshm_lock_path(h, other, NULL, &again), -EDEADLK);
	assert_int_equal(sfshm_unlock(&lock), 0);
}

static void different(struct sfshm *h, const char *one, const char *other)
{
	struct sfshm_lock lock, more;

	assert_int_equal(sfshm_lock_path(h, one, NULL, &lock), 0);
	assert_int_equal(sfshm_lock_path(h, other, NULL, &more), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_unlock(&more), 0);
}

static void by_any_path(void **state)
{
	struct sfshm *h = segment_open(NULL);
	char whole[256];

	(void)state;
	snprintf(whole, sizeof(whole), "%s/folder/file", dir);
	same(h, "folder/file", whole);
	same(h, "folder/file", "./link/../folder//file");
	same(h, "folder", "link");
	same(h, "folder/", "folder");
	same(h, ".", dir);
	same(h, "/", "//..");
	different(h, "folder/file", "folder");
	/* What is not there yet. */
	same(h, "folder/new", "link/./new");
	same(h, "new", "./new");
	same(h, "folder/new/", "folder/new");
	different(h, "folder/new", "new");
	/* ... and once it is. */
	snprintf(whole, sizeof(whole), "%s/folder/new", dir);
	fclose(fopen("folder/new", "w"));
	same(h, "folder/new", whole);
	/* The path is the key. */
	snprintf(whole, sizeof(whole), "%s/folder", dir);
	struct sfshm_lock lock, again;

	assert_int_equal(sfshm_lock(h, whole, strlen(whole), NULL, &lock), 0);
	assert_int_equal(sfshm_lock_path(h, "link", NULL, &again), -EDEADLK);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static int fails(struct sfshm *h, const char *path)
{
	struct sfshm_lock lock;
	int r = sfshm_lock_path(h, path, NULL, &lock);

	assert_int_equal(sfshm_unlock(&lock), -ESTALE);
	return r;
}

static void bad_paths_are_told(void **state)
{
	struct sfshm *h = segment_open(NULL);
	char longest[PATH_MAX + 10];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(fails(h, NULL), -EINVAL);
	assert_int_equal(fails(h, ""), -ENOENT);
	assert_int_equal(fails(h, "no/such"), -ENOENT);
	assert_int_equal(fails(h, "no/.."), -ENOENT);
	assert_int_equal(fails(h, "folder/file/x"), -ENOTDIR);
	assert_int_equal(fails(h, "loop"), -ELOOP);
	assert_int_equal(fails(h, longest), -ENAMETOOLONG);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_any_path, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(bad_paths_are_told, make_dir,
						remove_dir),
	};

	return test_main(tests);
}
