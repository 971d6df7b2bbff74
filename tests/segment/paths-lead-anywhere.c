/* SPDX-License-Identifier: MIT */
/*
 * Any user that may write to a folder can make a segment there if the file
 * system has files without a name; elsewhere a line says why not.
 */
#include <limits.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "crowd.h"
#include "testing.h"

#define NOBODY 65534

static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static int make(const char *path, char *why, size_t size)
{
	const struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE,
		.slots = 16,
		.bytes = 64 << 10,
		.why = why,
		.why_size = size,
	};
	struct sfshm *h;
	int r = sfshm_open(&h, path, &o);

	return r ? r : sfshm_close(h);
}

static void into_the_root_folder(void **state)
{
	char path[80];
	int r;

	(void)state;
	if (access("/", W_OK))
		skip();
	snprintf(path, sizeof(path), "/%s", segment);
	r = make(path, NULL, 0);
	/* A file system may lack such files; the next test's business. */
	if (r == -EOPNOTSUPP)
		skip();
	assert_int_equal(r, 0);
	assert_int_equal(sfshm_unlink(path), 0);
}

static void not_where_files_have_names(void **state)
{
	char why[256] = "";

	(void)state;
	assert_int_not_equal(make("/proc/segment", why, sizeof(why)), 0);
	assert_non_null(strstr(why, "without a name"));
	assert_non_null(strstr(why, "/proc/segment"));
}

static void not_by_a_path_without_end(void **state)
{
	char path[2 * PATH_MAX];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(make(path, NULL, 0), -ENAMETOOLONG);
	/* Folders without end, that is. */
	path[sizeof(path) - 2] = '/';
	assert_int_equal(make(path, NULL, 0), -ENAMETOOLONG);
}

static void make_and_fill(int unused, void *arg)
{
	const struct sfshm_options roots = {
		.size = sizeof(roots),
		.flags = SFSHM_CREATE | SFSHM_SET_GROUP,
		.group = 0,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	struct sfshm *h;

	(void)unused;
	(void)arg;
	demand(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	demand(sfshm_open(&h, segment, &roots) == -EPERM);
	demand(make(segment, NULL, 0) == 0);
	demand(make(segment, NULL, 0) == -EEXIST);
	demand(sfshm_open(&h, segment, NULL) == 0);
	demand(sfshm_begin(h, "key", 3, &keep, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, "value", 5) == 0);
	demand(sfshm_get(h, "key", 3, &result) == SFSHM_CACHED);
	sfshm_result_clear(&result);
	demand(sfshm_close(h) == 0);
	demand(sfshm_unlink(segment) == 0);
}

/* Older kernels let only root link a file by its descriptor alone. */
static void by_an_ordinary_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(child_gone(child_start(make_and_fill, 0, NULL)), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(into_the_root_folder),
		in_segment(not_where_files_have_names),
		in_segment(not_by_a_path_without_end),
		in_segment(by_an_ordinary_user),
	};

	return test_main(tests);
}
