/* SPDX-License-Identifier: MIT */
/*
 * If a file system runs out of room, at whatever moment, a call answers an
 * error, and there is never a SIGBUS. With room again, calls succeed.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "crowd.h"
#include "testing.h"

#define PAGE 4096

/* Where it is mounted; a place of this process's own. */
static char folder[] = "/tmp/sfshm-test.XXXXXX";
static char name[64], filler[64];

static struct sfshm_options shape = {
	.size = sizeof(shape),
	.flags = SFSHM_CREATE,
	.slots = 2048,
	.participants = 16,
	.bytes = 4 << 20,
	.max_value = 512 << 10,
};

/* A file system of that many pages, which this program alone sees. */
static void mount_pages(unsigned int pages)
{
	char size[64];

	umount2(folder, MNT_DETACH);
	snprintf(size, sizeof(size), "size=%u", pages * PAGE);
	assert_int_equal(mount("none", folder, "tmpfs", 0, size), 0);
}

/* Takes up all that is left but `pages`. */
static void fill_all_but(unsigned int pages)
{
	static const uint8_t page[PAGE] = { 1 };
	int fd = open(filler, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	off_t size = 0;

	assert_true(fd >= 0);
	while (write(fd, page, PAGE) == PAGE)
		size += PAGE;
	assert_true(size > (off_t)pages * PAGE);
	assert_int_equal(ftruncate(fd, size - (off_t)pages * PAGE), 0);
	close(fd);
}

/* Making it: whole, or nothing is left of it. */
static void while_it_is_made(void **state)
{
	bool made = false;
	struct stat st;

	(void)state;
	for (unsigned int pages = 1; !made; pages++) {
		struct sfshm_options o = shape;
		char why[256] = "";
		struct sfshm *h;
		int r;

		assert_in_range(pages, 1, 100);
		mount_pages(pages);
		o.why = why;
		o.why_size = sizeof(why);
		r = sfshm_open(&h, name, &o);
		made = r == 0;
		if (made) {
			assert_int_equal(sfshm_close(h), 0);
			continue;
		}
		assert_int_equal(r, -ENOSPC);
		assert_true(strlen(why) > 0);
		assert_int_equal(stat(name, &st), -1);
		/* What it had taken is free again. */
		fill_all_but(pages - 1);
	}
}

static bool fine(int r)
{
	return r >= 0 || r == -ENOSPC || r == -EREMOTEIO || r == -ENODATA;
}

/* Uses all regions of the segment; says whether there was room for all. */
static bool use_it(struct sfshm *h)
{
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
		.neg_ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	static uint8_t data[500 << 10];
	struct sfshm_flight flight;
	bool room = true;

	for (int i = 0; i < 700; i++) {
		char key[64];
		int n = snprintf(key, sizeof(key),
				 "a key that needs memory as well: %d", i);
		int r = sfshm_begin(h, key, (size_t)n, &keep, &flight, &result);

		demand(fine(r));
		room &= r != -ENOSPC;
		if (r != SFSHM_LEADER)
			continue;
		r = sfshm_publish(&flight, data, i % 100 ? 100 : sizeof(data));
		demand(r >= 0 || r == -ENOSPC);
		room &= r == 0;
		/* It is still ours then, and a failure needs no room. */
		if (r < 0)
			demand(sfshm_fail(&flight, r, "no room") == 0);
	}
	demand(sfshm_verify(h, NULL, NULL) <= 0);
	sfshm_result_clear(&result);
	return room;
}

static void use_in_child(int must_have_room, void *arg)
{
	struct sfshm *h;

	(void)arg;
	demand(sfshm_open(&h, name, &shape) == 0);
	demand(use_it(h) || !must_have_room);
	demand(sfshm_close(h) == 0);
}

static void while_it_grows(void **state)
{
	struct sfshm *h;

	(void)state;
	for (unsigned int pages = 0; pages < 400;
	     pages += pages < 20 ? 1 : 20) {
		mount_pages(3000);
		assert_int_equal(sfshm_open(&h, name, &shape), 0);
		assert_int_equal(sfshm_close(h), 0);
		fill_all_but(pages);
		assert_int_equal(child_gone(child_start(use_in_child, 0, NULL)),
				 0);
		assert_int_equal(unlink(filler), 0);
		assert_int_equal(child_gone(child_start(use_in_child, 1, NULL)),
				 0);
	}
}

static void with_huge_pages(void **state)
{
	shape.flags |= SFSHM_HUGE_PAGES;
	while_it_is_made(state);
	while_it_grows(state);
	shape.flags &= ~(uint32_t)SFSHM_HUGE_PAGES;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(while_it_is_made),
		in_segment(while_it_grows),
		in_segment(with_huge_pages),
	};
	int failed;

	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return skip_all("mounting takes root");
	if (!mkdtemp(folder))
		return 1;
	snprintf(name, sizeof(name), "%s/segment", folder);
	snprintf(filler, sizeof(filler), "%s/filler", folder);
	failed = test_main(tests);
	umount2(folder, MNT_DETACH);
	rmdir(folder);
	return failed;
}
