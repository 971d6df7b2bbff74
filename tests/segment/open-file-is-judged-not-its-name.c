/* SPDX-License-Identifier: MIT */
/*
 * Another file may take a name between a look at it and its opening. The
 * library judges owner, mode and type of the file that it has open.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "forge.h"
#include "watch.h"

#define NOBODY 65534

/* What happens just before the library opens the file. */
static void (*strike)(const char *path);

int open(const char *file, int oflag, ...)
{
	void (*now)(const char *) = strike;
	va_list args;
	mode_t mode;

	va_start(args, oflag);
	mode = (oflag & (O_CREAT | O_TMPFILE)) ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (now && !strcmp(file, watch_path())) {
		strike = NULL;
		now(file);
	}
	return (int)syscall(SYS_openat, AT_FDCWD, file, oflag, mode);
}

static void make_open_to_all(const char *path)
{
	demand(chmod(path, 0666) == 0);
}

static void give_away(const char *path)
{
	demand(chown(path, NOBODY, NOBODY) == 0);
}

static void replace_by_link(const char *path)
{
	char target[300];

	snprintf(target, sizeof(target), "%s.target", path);
	demand(rename(path, target) == 0 && symlink(target, path) == 0);
}

static void replace_by_pipe(const char *path)
{
	demand(unlink(path) == 0 && mkfifo(path, 0600) == 0);
}

static void its_mode(void **state)
{
	(void)state;
	forge_make(NULL);
	strike = make_open_to_all;
	assert_int_equal(forge_try(0), -EPERM);
	assert_null(strike);
}

static void its_owner(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	forge_make(NULL);
	strike = give_away;
	assert_int_equal(forge_try(0), -EPERM);
	assert_int_equal(chown(watch_path(), 0, 0), 0);
}

static void its_type(void **state)
{
	char target[300];

	(void)state;
	forge_make(NULL);
	strike = replace_by_link;
	assert_int_equal(forge_try(0), -ELOOP);
	snprintf(target, sizeof(target), "%s.target", watch_path());
	assert_int_equal(unlink(target), 0);
	assert_int_equal(unlink(watch_path()), 0);
	forge_make(NULL);
	strike = replace_by_pipe;
	assert_int_equal(forge_try(0), -EPROTO);
	assert_int_equal(unlink(watch_path()), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(its_mode),
		in_segment(its_owner),
		in_segment(its_type),
	};

	return test_main(tests);
}
