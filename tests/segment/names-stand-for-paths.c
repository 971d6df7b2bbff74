/* SPDX-License-Identifier: MIT */
/*
 * A caller can open a segment by name, by path, or without a name; wrong names
 * are refused.
 */
#include <limits.h>
#include <sys/stat.h>

#include "testing.h"
#include "watch.h"

static void names_hold_the_user(void **state)
{
	char path[256], expected[256];

	(void)state;
	assert_int_equal(sfshm_path(NULL, path, sizeof(path)), 0);
	snprintf(expected, sizeof(expected), "/dev/shm/sfshm.%u.default",
		 (unsigned int)geteuid());
	assert_string_equal(path, expected);
	assert_int_equal(sfshm_path("My-App_1.0+x@host:80", path, sizeof(path)),
			 0);
	assert_non_null(strstr(path, ".My-App_1.0+x@host:80"));
	assert_int_equal(sfshm_path("/some where/odd", path, sizeof(path)), 0);
	assert_string_equal(path, "/some where/odd");
	assert_int_equal(sfshm_path("./x", path, sizeof(path)), 0);
	assert_string_equal(path, "./x");
}

static void odd_ones_are_refused(void **state)
{
	static const char *const odd[] = { "",    " ",        "a b",
					   "a\n", "\xc3\xa4", "a*" };
	struct sfshm_options o = { .size = sizeof(o), .flags = SFSHM_CREATE };
	char path[256], longest[PATH_MAX + 10], why[256] = "";
	struct sfshm *h;

	(void)state;
	o.why = why;
	o.why_size = sizeof(why);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_int_equal(sfshm_path(odd[i], path, sizeof(path)),
				 -EINVAL);
		assert_int_equal(sfshm_open(&h, odd[i], &o), -EINVAL);
		assert_true(strlen(why) > 0);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(sfshm_path(longest, path, sizeof(path)),
			 -ENAMETOOLONG);
	assert_int_equal(sfshm_open(&h, longest, &o), -ENAMETOOLONG);
	longest[300] = '\0';
	assert_int_equal(sfshm_open(&h, longest, &o), -ENAMETOOLONG);
	assert_int_equal(sfshm_path("name", path, 5), -ENAMETOOLONG);
	assert_int_equal(sfshm_path("name", NULL, 0), -EINVAL);
	assert_int_equal(sfshm_open(&h, "/nonexistent/folder/x", &o), -ENOENT);
}

static void nonsense_is_refused(void **state)
{
	struct sfshm_options o = { .size = sizeof(o), .flags = SFSHM_CREATE };
	char why[256] = "";
	struct sfshm *h = (void *)&o;

	(void)state;
	o.why = why;
	o.why_size = sizeof(why);
	assert_int_equal(sfshm_open(NULL, segment, &o), -EINVAL);
	assert_int_equal(sfshm_open(&h, segment, NULL), -ENOENT);
	assert_null(h);
	o.slots = (1 << 26) + 1;
	assert_int_equal(sfshm_open(&h, segment, &o), -EINVAL);
	assert_true(strlen(why) > 0);
	o.slots = 0;
	o.participants = 16384;
	assert_int_equal(sfshm_open(&h, segment, &o), -EINVAL);
	o.participants = 0;
	o.bytes = (UINT64_C(16) << 30) + 1;
	assert_int_equal(sfshm_open(&h, segment, &o), -EINVAL);
	o.bytes = 1000;
	o.max_value = 2000;
	assert_int_equal(sfshm_open(&h, segment, &o), -EINVAL);
	o.max_value = 0;
	o.size--;
	assert_int_equal(sfshm_open(&h, segment, &o), -EINVAL);
	assert_int_equal(access(watch_path(), F_OK), -1);
	assert_int_equal(sfshm_close(NULL), -EBADF);
}

static void a_path_works_as_well(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *one, *other;
	char folder[] = "/dev/shm/sfshm-test.XXXXXX", path[64];
	struct sfshm_options o = { .size = sizeof(o), .flags = SFSHM_CREATE };
	struct sfshm_flight flight;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a segment", folder);
	assert_int_equal(sfshm_open(&one, path, &o), 0);
	assert_int_equal(sfshm_open(&other, path, NULL), 0);
	assert_int_equal(sfshm_begin(one, "key", 3, NULL, &flight, &result),
			 SFSHM_LEADER);
	/* Two handles of a process share its mapping, and its threads. */
	assert_int_equal(sfshm_begin(other, "key", 3, NULL, &flight, &result),
			 -EDEADLK);
	assert_int_equal(sfshm_close(one), 0);
	/* Removed and still open: it goes on, until the last one leaves. */
	assert_int_equal(sfshm_unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(sfshm_begin(other, "2", 1, NULL, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "v", 1), 0);
	assert_sound(other);
	assert_int_equal(sfshm_close(other), 0);
	sfshm_result_clear(&result);
}

/* A name that is free again stands for a new segment, for all who use it. */
static void an_unlinked_name_is_free(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm *old = segment_open(NULL), *new;
	struct sfshm_flight flight;

	(void)state;
	assert_int_equal(sfshm_begin(old, "key", 3, &keep, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "old", 3), 0);
	assert_int_equal(sfshm_unlink(segment), 0);
	new = segment_open(NULL);
	assert_int_equal(sfshm_get(new, "key", 3, &result), -ENODATA);
	assert_int_equal(sfshm_get(old, "key", 3, &result), -ENODATA);
	assert_int_equal(sfshm_close(old), 0);
	assert_int_equal(sfshm_get(new, "key", 3, &result), -ENODATA);
	assert_int_equal(sfshm_close(new), 0);
	sfshm_result_clear(&result);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(names_hold_the_user),
		in_segment(odd_ones_are_refused),
		in_segment(nonsense_is_refused),
		in_segment(a_path_works_as_well),
		in_segment(an_unlinked_name_is_free),
	};

	return test_main(tests);
}
