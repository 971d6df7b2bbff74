/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C12: a lock by a path stays the same lock when the file is made, even
 * if the path is a symbolic link, or a chain of them, to the missing file.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include <sfshm/lock.h>

#include "testing.h"

static char dir[64];

/* Links, what they hold, and the file that is made through them. */
static const struct {
	const char *link, *target, *file;
} links[] = {
	{ "plain", "nowhere", "nowhere" },
	{ "twice", "plain", "nowhere" },
	{ "thrice", "folder/../twice", "nowhere" },
	{ "down", "folder/new", "folder/new" },
	{ "folder/up", "../folder/.././above", "above" },
	{ "folder/sibling", "beside", "folder/beside" },
	{ "through", "folder/up", "above" },
};
#define LINKS (sizeof(links) / sizeof(links[0]))

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/sfshm-test-XXXXXX");
	if (!mkdtemp(dir) || chdir(dir) || mkdir("folder", 0700))
		return -1;
	for (size_t i = 0; i < LINKS; i++)
		if (symlink(links[i].target, links[i].link))
			return -1;
	return segment_setup(state);
}

static int remove_dir(void **state)
{
	for (size_t i = 0; i < LINKS; i++)
		remove(links[i].link);
	if (remove("folder") || chdir("/") || rmdir(dir))
		return -1;
	return segment_teardown(state);
}

/* The key that a path's lock has; or the error's text. */
static const char *key_of(struct sfshm *h, const char *path)
{
	static char key[PATH_MAX];
	struct sfshm_lock lock;
	int r = sfshm_lock_path(h, path, NULL, &lock);

	if (r < 0)
		return strerrorname_np(-r);
	r = sfshm_lock_key(&lock, key, sizeof(key));
	assert_in_range(r, 1, sizeof(key) - 1);
	key[r] = '\0';
	assert_int_equal(sfshm_unlock(&lock), 0);
	return key;
}

static void before_and_after_the_file_is_made(void **state)
{
	struct sfshm *h = segment_open(NULL);
	char whole[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < LINKS; i++) {
		snprintf(whole, sizeof(whole), "%s/%s", dir, links[i].file);
		assert_string_equal(key_of(h, links[i].link), whole);
		assert_string_equal(key_of(h, links[i].file), whole);
		close(open(links[i].link, O_CREAT | O_WRONLY, 0600));
		assert_int_equal(access(links[i].file, F_OK), 0);
		assert_string_equal(key_of(h, links[i].link), whole);
		assert_int_equal(remove(links[i].file), 0);
	}
	assert_int_equal(sfshm_close(h), 0);
}

/* A link that holds a whole path, and one that holds a trailing slash. */
static void by_a_whole_path(void **state)
{
	struct sfshm *h = segment_open(NULL);
	char whole[PATH_MAX];

	(void)state;
	snprintf(whole, sizeof(whole), "%s/nowhere", dir);
	assert_int_equal(symlink(whole, "whole"), 0);
	assert_int_equal(symlink("nowhere/", "slash"), 0);
	assert_string_equal(key_of(h, "whole"), whole);
	assert_string_equal(key_of(h, "slash"), whole);
	assert_string_equal(key_of(h, "plain/"), whole);
	assert_int_equal(remove("whole") | remove("slash"), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* Links through which no file can be made. */
static void links_to_no_place_are_errors(void **state)
{
	struct sfshm *h = segment_open(NULL);
	char name[16], before[16] = "nowhere";

	(void)state;
	assert_int_equal(symlink("no/such", "no-folder"), 0);
	assert_int_equal(symlink("yon", "hither") | symlink("hither", "yon"),
			 0);
	assert_int_equal(symlink("yon", "to-circle"), 0);
	assert_string_equal(key_of(h, "no-folder"), "ENOENT");
	assert_string_equal(key_of(h, "plain/file"), "ENOENT");
	assert_string_equal(key_of(h, "plain/.."), "ENOENT");
	assert_string_equal(key_of(h, "yon"), "ELOOP");
	assert_string_equal(key_of(h, "to-circle"), "ELOOP");
	assert_string_equal(key_of(h, "yon/file"), "ELOOP");
	assert_non_null(strstr(sfshm_strerror(-ELOOP), "circle"));
	/* The kernel makes no file at the end of a chain as long as this. */
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "chain%d", i);
		assert_int_equal(symlink(before, name), 0);
		snprintf(before, sizeof(before), "%s", name);
	}
	assert_int_equal(open(before, O_CREAT | O_WRONLY, 0600), -1);
	assert_string_equal(key_of(h, before), strerrorname_np(errno));
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "chain%d", i);
		remove(name);
	}
	assert_int_equal(remove("no-folder") | remove("hither") |
				 remove("yon") | remove("to-circle"),
			 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			before_and_after_the_file_is_made, make_dir,
			remove_dir),
		cmocka_unit_test_setup_teardown(by_a_whole_path, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(links_to_no_place_are_errors,
						make_dir, remove_dir),
	};

	return test_main(tests);
}
