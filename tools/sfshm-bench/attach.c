/* SPDX-License-Identifier: MIT */
/* Attaching to a segment of a million slots, against mapping its file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define SLOTS 1000000
#define KEYS 1000
#define SLOT_BYTES 192
/*
 * A first hit touches three pages at least: those of the header, of a bucket,
 * and of a slot with its value. A fault also maps neighbouring pages, so the
 * header's fault maps the participant records, which follow the header.
 */
#define PAGES 3

static char path[256];
static struct sfshm_options shape = { .slots = SLOTS };

static off_t places[PAGES];

/*
 * Finds the offsets of three such pages in the file. A key's bucket is anywhere
 * in the second stretch of the file that has memory, and the key's slot is
 * towards the end of that stretch.
 */
static void find_places(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t hole = fd < 0 ? -1 : lseek(fd, 0, SEEK_HOLE);
	off_t from = hole < 0 ? -1 : lseek(fd, hole, SEEK_DATA);
	off_t to = from < 0 ? -1 : lseek(fd, from, SEEK_HOLE);

	if (to < 0)
		bench_die("the segment's file", -errno);
	places[0] = 0;
	places[1] = from + (to - from) / 2;
	places[2] = to - (off_t)KEYS * SLOT_BYTES / 2;
	close(fd);
}

static const char *prepare(const struct bench *b)
{
	struct sfshm *h = bench_segment(&shape);

	(void)b;
	if (sfshm_path(bench_segment_name(), path, sizeof(path)))
		bench_die("the segment's path", -ENAMETOOLONG);
	bench_fill(h, KEYS, BENCH_KEY, BENCH_VALUE);
	/* Each measured call must map the segment anew. */
	bench_segment_let_go();
	find_places();
	return NULL;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	static struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t took = 0;
	char key[BENCH_KEY];

	(void)b;
	bench_key(key, 1);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t start = bench_now();
		struct sfshm *h;
		int r = sfshm_open(&h, path, NULL);

		if (!r)
			r = sfshm_get(h, key, sizeof(key), &result);
		took += bench_now() - start;
		if (r)
			bench_die("cannot attach", r);
		sfshm_close(h);
	}
	return took;
}

/* Opens and maps the file, and reads `pages` of its pages; n times, in ns. */
static uint64_t map(uint64_t n, unsigned int pages)
{
	uint64_t took = 0;
	int sum = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t start = bench_now();
		int fd = open(path, O_RDWR | O_CLOEXEC);
		struct stat st;
		char *at;

		if (fd < 0 || fstat(fd, &st))
			bench_die("cannot open the file", -errno);
		at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			bench_die("cannot map the file", -errno);
		for (unsigned int p = 0; p < pages; p++)
			sum += at[places[p]];
		bench_use(&sum);
		took += bench_now() - start;
		munmap(at, (size_t)st.st_size);
		close(fd);
	}
	return took;
}

static uint64_t bare_map(const struct bench *b, uint64_t n)
{
	(void)b;
	return map(n, 0);
}

static uint64_t touching_map(const struct bench *b, uint64_t n)
{
	(void)b;
	return map(n, PAGES);
}

static void clean_up(const struct bench *b)
{
	(void)b;
	bench_segment_close();
}

const struct bench attach_benches[] = {
	{
		.name = "attach",
		.peer = "open and mmap",
		.what = "open and first hit in a segment of 1 M slots",
		.target = 3,
		.size = SLOTS,
		.batch = 50,
		.prepare = prepare,
		.ours = ours,
		.theirs = bare_map,
		.clean_up = clean_up,
	},
	{
		.name = "attach-limit",
		.peer = "open, mmap, read 3 pages",
		.what = "open and first hit in a segment of 1 M slots",
		.size = SLOTS,
		.batch = 50,
		.prepare = prepare,
		.ours = ours,
		.theirs = touching_map,
		.clean_up = clean_up,
	},
	{ 0 },
};
