/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-P1: a child that goes on with its parent's handle shares the open
 * file, but no lock on it. It has one mapping and one descriptor of the file,
 * whichever handles it opens and closes, so no close drops its byte locks.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sfshm/resize.h>

#include "crowd.h"
#include "following.h"
#include "watch.h"

static struct sfshm *handle; /* the parent's, which follows */

/* How many lines of a file of /proc hold both texts. */
static int lines_with(const char *file, const char *a, const char *b)
{
	FILE *f = fopen(file, "re");
	char line[512];
	int n = 0;

	demand(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, a) && strstr(line, b);
	fclose(f);
	return n;
}

static bool is_mapped(void)
{
	return lines_with("/proc/self/maps", watch_path(), "") > 0;
}

/* How many byte locks this process has on the segment's file. */
static int locks(void)
{
	char pid[32], inode[32];
	struct stat st;

	demand(!stat(watch_path(), &st));
	snprintf(pid, sizeof(pid), " %d ", (int)getpid());
	snprintf(inode, sizeof(inode), ":%llu ", (unsigned long long)st.st_ino);
	return lines_with("/proc/locks", pid, inode);
}

static struct sfshm *ordinary;

static void use_both(int unused, void *unused_too)
{
	struct sfshm *own;
	int n;

	(void)unused;
	(void)unused_too;
	demand(get(ordinary, "parents") == -ECHILD);
	demand(locks() == 0);
	demand(get(handle, "parents") == SFSHM_CACHED);
	n = locks();
	demand(n >= 2);
	demand(get(ordinary, "parents") == -ECHILD);
	/* One descriptor is all that the process has: no close drops a lock. */
	own = segment_open(NULL);
	demand(get(own, "parents") == SFSHM_CACHED);
	demand(sfshm_close(own) == 0);
	demand(locks() == n);
	demand(get(handle, "parents") == SFSHM_CACHED);
	demand(sfshm_close(ordinary) == 0);
	demand(locks() == n);
	put(handle, "childs");
	demand(is_mapped());
	demand(sfshm_close(handle) == 0);
	demand(!is_mapped() && locks() == 0);
	demand(get(handle, "parents") == -EBADF);
}

/* The child's own handle comes first, and goes before the other is used. */
static void open_first(int unused, void *unused_too)
{
	struct sfshm *own = segment_open(NULL);

	(void)unused;
	(void)unused_too;
	demand(get(own, "parents") == SFSHM_CACHED);
	demand(sfshm_close(own) == 0);
	demand(get(handle, "parents") == SFSHM_CACHED);
	own = segment_open(NULL);
	demand(sfshm_close(handle) == 0);
	demand(get(own, "parents") == SFSHM_CACHED);
	demand(locks() >= 2);
	demand(sfshm_close(own) == 0);
	demand(sfshm_close(ordinary) == 0);
	demand(!is_mapped());
}

/* It never uses its parent's handles, and closes them. */
static void open_and_drop(int unused, void *unused_too)
{
	struct sfshm *own = segment_open(NULL);
	int n;

	(void)unused;
	(void)unused_too;
	demand(get(own, "parents") == SFSHM_CACHED);
	n = locks();
	demand(n >= 2);
	demand(sfshm_close(handle) == 0 && sfshm_close(ordinary) == 0);
	demand(locks() == n);
	demand(sfshm_close(own) == 0);
	demand(!is_mapped());
}

static void beside_handles_that_do_not(void **state)
{
	(void)state;
	handle = open_following();
	ordinary = segment_open(NULL);
	put(ordinary, "parents");
	(void)watch_path();
	assert_int_equal(child_gone(child_start(use_both, 0, NULL)), 0);
	assert_int_equal(child_gone(child_start(open_first, 0, NULL)), 0);
	assert_int_equal(child_gone(child_start(open_and_drop, 0, NULL)), 0);
	assert_int_equal(get(handle, "childs"), SFSHM_CACHED);
	assert_true(locks() >= 2);
	assert_int_equal(sfshm_close(handle), 0);
	assert_int_equal(get(ordinary, "childs"), SFSHM_CACHED);
	assert_int_equal(sfshm_close(ordinary), 0);
}

static uint32_t at_flock; /* the lock at which to fork; 0: none */
static uint64_t moved;

static void resize_too(int unused, void *unused_too)
{
	struct sfshm_options wish = { .size = sizeof(wish), .slots = 300 };

	(void)unused;
	(void)unused_too;
	demand(get(handle, "parents") == SFSHM_CACHED);
	demand(sfshm_resize(segment, &wish, 0, NULL, NULL) == -EBUSY);
}

/* Stands in front of the C library's. */
int flock(int fd, int operation)
{
	int r = (int)syscall(SYS_flock, fd, operation), status, pid;

	if (!load_relaxed(&at_flock) || operation & LOCK_UN ||
	    fetch_add_relaxed(&at_flock, -1u) != 1)
		return r;
	pid = fork();
	demand(pid >= 0);
	if (!pid) {
		resize_too(0, NULL);
		_exit(0);
	}
	demand(waitpid(pid, &status, 0) == pid && status == 0);
	return r;
}

static void go_on_in_the_successor(int unused, void *unused_too)
{
	(void)unused;
	(void)unused_too;
	demand(get(handle, "parents") == SFSHM_CACHED);
	demand(get(handle, "later") == SFSHM_CACHED);
	demand(get(handle, "flight") == -ENODATA);
}

static void fork_meanwhile(uint64_t now, uint64_t left, void *unused)
{
	int status, pid;

	(void)unused;
	(void)now;
	(void)left;
	if (moved++)
		return;
	/* The parent's handle has followed, and "later" is to be moved yet. */
	demand(get(handle, "parents") == SFSHM_CACHED);
	pid = fork();
	demand(pid >= 0);
	if (!pid) {
		go_on_in_the_successor(0, NULL);
		_exit(0);
	}
	demand(waitpid(pid, &status, 0) == pid && status == 0);
}

/* The parent's lock on the file is not the child's. */
static void while_the_parent_alone_resizes(void **state)
{
	struct sfshm_options wish = { .size = sizeof(wish), .slots = 200 };

	(void)state;
	handle = open_following();
	put(handle, "parents");
	put(handle, "later");
	store_relaxed(&at_flock, 2);
	assert_int_equal(sfshm_resize(segment, &wish, 0, fork_meanwhile, NULL),
			 0);
	assert_int_equal(load_relaxed(&at_flock), 0);
	assert_true(moved > 0);
	assert_int_equal(get(handle, "parents"), SFSHM_CACHED);
	assert_true(locks() >= 2);
	assert_int_equal(
		child_gone(child_start(go_on_in_the_successor, 0, NULL)), 0);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(beside_handles_that_do_not),
		in_segment(while_the_parent_alone_resizes),
	};

	return test_main(tests);
}
