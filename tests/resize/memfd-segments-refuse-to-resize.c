/* SPDX-License-Identifier: MIT */
/* A segment without a name cannot be resized, and stays as it is. */
#include <fcntl.h>
#include <sys/mman.h>

#include "resizing.h"

static void by_its_descriptor(void **state)
{
	const struct sfshm_options o = { .size = sizeof(o), .slots = 50 };
	struct sfshm_options wish = { .size = sizeof(wish), .slots = 100 };
	int fd = sfshm_memfd("nameless", &o), mine;
	char path[64], why[256] = "";
	struct sfshm *h;

	(void)state;
	assert_true(fd >= 0);
	mine = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	assert_true(mine >= 0);
	assert_int_equal(sfshm_open_fd(&h, fd, NULL), 0);
	resizing_put(h, "key", "value");
	wish.why = why;
	wish.why_size = sizeof(why);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mine);
	assert_int_equal(sfshm_resize(path, &wish, 0, NULL, NULL), -ELOOP);
	assert_true(why[0]);
	assert_int_equal(sfshm_resize(path, NULL, 0, NULL, NULL), -ELOOP);
	assert_string_equal(resizing_get(h, "key"), "value");
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
	close(mine);
}

/* Nor one whose name is gone, or never was. */
static void without_a_name(void **state)
{
	struct sfshm_options wish = { .size = sizeof(wish), .slots = 100 };
	struct sfshm *h = segment_open(NULL);

	(void)state;
	resizing_put(h, "key", "value");
	assert_int_equal(sfshm_unlink(segment), 0);
	assert_int_equal(sfshm_resize(segment, &wish, 0, NULL, NULL), -ENOENT);
	assert_int_equal(sfshm_resize("no/such/file", &wish, 0, NULL, NULL),
			 -ENOENT);
	assert_int_equal(sfshm_resize("odd name", &wish, 0, NULL, NULL),
			 -EINVAL);
	assert_string_equal(resizing_get(h, "key"), "value");
	assert_int_equal(resizing_files(), 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_its_descriptor),
		in_segment(without_a_name),
	};

	return test_main(tests);
}
