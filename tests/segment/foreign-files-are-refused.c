/* SPDX-License-Identifier: MIT */
/*
 * The library opens no file that belongs to another user, that others may
 * write to, or that is a link or not a regular file.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "crowd.h"
#include "forge.h"
#include "watch.h"

#define NOBODY 65534

static void symbolic_links(void **state)
{
	char target[300];

	(void)state;
	forge_make(NULL);
	snprintf(target, sizeof(target), "%s.target", watch_path());
	assert_int_equal(rename(watch_path(), target), 0);
	assert_int_equal(symlink(target, watch_path()), 0);
	assert_int_equal(forge_try(0), -ELOOP);
	assert_int_equal(forge_try(SFSHM_CREATE), -ELOOP);
	assert_int_equal(sfshm_unlink(segment), -ELOOP);
	assert_int_equal(unlink(target), 0);
	/* One that leads nowhere is no way to have a file made there. */
	assert_int_equal(forge_try(SFSHM_CREATE), -ELOOP);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(unlink(watch_path()), 0);
}

static void what_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(mkdir(watch_path(), 0700), 0);
	assert_int_equal(forge_try(SFSHM_CREATE), -EPROTO);
	assert_int_equal(rmdir(watch_path()), 0);
	/* Opening a pipe would block. */
	assert_int_equal(mkfifo(watch_path(), 0600), 0);
	assert_int_equal(forge_try(SFSHM_CREATE), -EPROTO);
	assert_int_equal(unlink(watch_path()), 0);
}

static int open_with_mode(uint32_t mode)
{
	const struct sfshm_options o = { .size = sizeof(o), .mode = mode };
	struct sfshm *h;
	int r = sfshm_open(&h, segment, &o);

	return r ? r : sfshm_close(h);
}

static void too_open_ones(void **state)
{
	static const mode_t modes[] = { 0601, 0640, 0660,  0604,
					0666, 0777, 04600, 01600 };
	struct sfshm_options odd = { .size = sizeof(odd), .mode = 04600 };
	struct sfshm *h;

	(void)state;
	forge_make(NULL);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(watch_path(), modes[i]), 0);
		assert_int_equal(forge_try(SFSHM_CREATE), -EPERM);
	}
	assert_int_equal(chmod(watch_path(), 0660), 0);
	assert_int_equal(open_with_mode(0660), 0);
	assert_int_equal(open_with_mode(0666), 0);
	assert_int_equal(open_with_mode(0640), -EPERM);
	assert_int_equal(chmod(watch_path(), 0400), 0);
	assert_int_equal(sfshm_open(&h, segment, &odd), -EINVAL);
}

static void is_made_as_asked(void **state)
{
	const struct sfshm_options o = { .mode = 0640 };
	mode_t mask = umask(0077);
	struct stat st;

	(void)state;
	/* The mode is what was asked for, whatever the umask. */
	assert_int_equal(sfshm_close(segment_open(&o)), 0);
	assert_int_equal(stat(watch_path(), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(sfshm_unlink(segment), 0);
	umask(0);
	assert_int_equal(sfshm_close(segment_open(NULL)), 0);
	assert_int_equal(stat(watch_path(), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	umask(mask);
}

/* As another user, who is told so by the path. */
static void open_as_nobody(int unused, void *path)
{
	struct sfshm_options o = { .size = sizeof(o), .flags = SFSHM_CREATE };
	char why[256] = "";
	struct sfshm *h;

	(void)unused;
	o.why = why;
	o.why_size = sizeof(why);
	demand(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	o.mode = 0666;
	demand(sfshm_open(&h, path, &o) == -EPERM);
	demand(strstr(why, "user 0"));
	demand(sfshm_unlink(path) == -EPERM);
	/* If that is the owner it expects, it may. */
	o.flags = SFSHM_SET_OWNER;
	o.owner = 0;
	demand(sfshm_open(&h, path, &o) == 0);
	demand(sfshm_close(h) == 0);
}

static void other_users(void **state)
{
	char path[256];

	(void)state;
	if (geteuid() != 0)
		skip();
	forge_make(NULL);
	assert_int_equal(chmod(watch_path(), 0666), 0);
	snprintf(path, sizeof(path), "%s", watch_path());
	assert_int_equal(child_gone(child_start(open_as_nobody, 0, path)), 0);
	/* Nor does root take somebody else's for its own. */
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	assert_int_equal(forge_try(SFSHM_CREATE), -EPERM);
	assert_int_equal(sfshm_unlink(segment), -EPERM);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(forge_try(0), 0);
}

static void other_groups(void **state)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_SET_GROUP | SFSHM_CREATE,
		.group = NOBODY,
		.mode = 0660,
	};
	struct sfshm *h;
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	h = segment_open(&o);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(stat(watch_path(), &st), 0);
	assert_int_equal(st.st_gid, NOBODY);
	o.group = NOBODY - 1;
	assert_int_equal(sfshm_open(&h, segment, &o), -EPERM);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(symbolic_links), in_segment(what_is_no_file),
		in_segment(too_open_ones),  in_segment(is_made_as_asked),
		in_segment(other_users),    in_segment(other_groups),
	};

	return test_main(tests);
}
