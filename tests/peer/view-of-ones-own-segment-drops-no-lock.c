/* SPDX-License-Identifier: MIT */
/*
 * A process that looks at a segment that it uses opens no second descriptor of
 * the file, because closing that one would drop the byte locks by which other
 * processes know that its threads live.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sfshm/inspect.h>
#include <sfshm/put.h>

#include "testing.h"

static struct sfshm *h;
static char path[256];
static int opened;

/* Takes libc's place, whose names are reserved.
   NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int open(const char *file, int flags, ...)
{
	va_list args;
	int mode;

	va_start(args, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, int) : 0;
	va_end(args);
	opened += !strcmp(file, path);
	return (int)syscall(SYS_openat, AT_FDCWD, file, flags, mode);
}

static int opens_of_a_view(void)
{
	struct sfshm_view *view;
	int before = opened;

	assert_int_equal(sfshm_path(segment, path, sizeof(path)), 0);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	sfshm_view_close(view);
	return opened - before;
}

static void while_it_is_attached(void **state)
{
	(void)state;
	h = segment_open(NULL);
	assert_int_equal(sfshm_put(h, "key", 3, NULL, "value", 5), 0);
	assert_int_equal(opens_of_a_view(), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void and_one_that_does_not_use_it_does(void **state)
{
	(void)state;
	h = segment_open(NULL);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(opens_of_a_view(), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(while_it_is_attached),
		in_segment(and_one_that_does_not_use_it_does),
	};

	return test_main(tests);
}
