/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C14: with SFSHM_LOCK_INODE every name of a file gives the file's one
 * lock, and another file under the same name gives another lock.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <sfshm/lock.h>

#include "testing.h"

static char dir[64];

static void touch(const char *path)
{
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/sfshm-test-XXXXXX");
	if (!mkdtemp(dir) || chdir(dir) || mkdir("folder", 0700) ||
	    mkdir("other", 0700) || symlink("file", "symbolic"))
		return -1;
	touch("file");
	touch("folder/inside");
	if (link("file", "hard"))
		return -1;
	return segment_setup(state);
}

static int remove_dir(void **state)
{
	static const char *const all[] = { "file",     "hard",
					   "symbolic", "folder/inside",
					   "folder",   "other" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		remove(all[i]);
	if (chdir("/") || rmdir(dir))
		return -1;
	return segment_teardown(state);
}

static int by_inode(struct sfshm *h, const char *path, struct sfshm_lock *lock)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	o.flags = SFSHM_LOCK_INODE | SFSHM_LOCK_TRY;
	return sfshm_lock_path(h, path, &o, lock);
}

static void names_of_a_file_share_its_lock(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock, again;
	char key[100], expected[100];
	struct stat st;

	(void)state;
	assert_int_equal(by_inode(h, "file", &lock), 0);
	assert_int_equal(by_inode(h, "hard", &again), -EDEADLK);
	assert_int_equal(by_inode(h, "symbolic", &again), -EDEADLK);
	assert_int_equal(by_inode(h, "./folder/../hard", &again), -EDEADLK);
	assert_int_equal(stat("file", &st), 0);
	snprintf(expected, sizeof(expected), "inode:%u:%u:%llu",
		 major(st.st_dev), minor(st.st_dev),
		 (unsigned long long)st.st_ino);
	memset(key, 0, sizeof(key));
	assert_true(sfshm_lock_key(&lock, key, sizeof(key)) > 0);
	assert_string_equal(key, expected);
	/* The paths' locks are others, one each. */
	assert_int_equal(sfshm_lock_path(h, "hard", NULL, &again), 0);
	assert_int_equal(sfshm_unlock(&again), 0);
	assert_int_equal(by_inode(h, "folder", &again), 0);
	assert_int_equal(sfshm_unlock(&again), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void what_replaces_a_file_has_its_own(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock, more;

	(void)state;
	assert_int_equal(by_inode(h, "file", &lock), 0);
	touch("new");
	assert_int_equal(rename("new", "file"), 0);
	assert_int_equal(by_inode(h, "file", &more), 0);
	assert_int_equal(sfshm_unlock(&more), 0);
	assert_int_equal(by_inode(h, "hard", &more), -EDEADLK);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void wrong_calls_are_refused(void **state)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(by_inode(h, "missing", &lock), -ENOENT);
	assert_int_equal(sfshm_unlock(&lock), -ESTALE);
	assert_int_equal(by_inode(h, "file/x", &lock), -ENOTDIR);
	/* A plain key has no inode. */
	o.flags = SFSHM_LOCK_INODE;
	assert_int_equal(sfshm_lock(h, "file", 4, &o, &lock), -EINVAL);
	o.flags = SFSHM_LOCK_INODE | 1u << 30;
	assert_int_equal(sfshm_lock_path(h, "file", &o, &lock), -EINVAL);
	assert_int_equal(sfshm_close(h), 0);
}

/*
 * A child that sees the folder under another path. It opens the segment first,
 * because in its new user namespace the file is a stranger's.
 */
static int try_elsewhere(void)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
	    mount("folder", "other", NULL, MS_BIND, NULL))
		return 77;
	return by_inode(h, "other/inside", &lock) == -EBUSY ? 0 : 1;
}

static void bind_mounts_share_the_lock(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(by_inode(h, "folder/inside", &lock), 0);
	pid = fork();
	if (!pid)
		_exit(try_elsewhere());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_of_a_file_share_its_lock,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
			what_replaces_a_file_has_its_own, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(wrong_calls_are_refused,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(bind_mounts_share_the_lock,
						make_dir, remove_dir),
	};

	return test_main(tests);
}
