/* SPDX-License-Identifier: MIT */
/* Attaching to a segment of a million slots, against mapping its file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define SLOTS 1000000
/* What a first hit cannot do without: the header, a record, a bucket, a slot
   and its value. */
#define PAGES 5

static char path[256];
static struct sfshm_options shape = { .slots = SLOTS };

static const char *prepare(const struct bench *b)
{
	struct sfshm *h = bench_segment(&shape);

	(void)b;
	if (sfshm_path(bench_segment_name(), path, sizeof(path)))
		bench_die("the segment's path", -ENAMETOOLONG);
	bench_fill(h, 1000, BENCH_VALUE);
	/* What is measured must be the process's only mapping of it. */
	bench_segment_let_go();
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

/* Opens, maps, and reads this many pages. */
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
		for (unsigned int p = 0; p < pages; p++) {
			/* Apart, since a fault brings the neighbours in. */
			sum += at[(uint64_t)st.st_size / pages * p];
		}
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
		.peer = "open, mmap, read 5 pages",
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
