/* SPDX-License-Identifier: MIT */
/* Attaching to a segment of a million slots, against mapping its file. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define SLOTS 1000000

static char path[256];
static struct sfshm_options shape = { .slots = SLOTS };

static int prepare(const struct bench *b)
{
	struct sfshm *h = bench_segment(&shape);

	(void)b;
	if (sfshm_path(bench_segment_name(), path, sizeof(path)))
		return -1;
	bench_fill(h, 1000);
	/* What is measured must be the process's only mapping of it. */
	sfshm_close(h);
	return 0;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
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
	sfshm_result_clear(&result);
	return took;
}

/* Opens, maps, and touches as many pages as a look-up does. */
static uint64_t theirs(const struct bench *b, uint64_t n)
{
	uint64_t took = 0;

	(void)b;
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
		bench_use(at);
		took += bench_now() - start;
		munmap(at, (size_t)st.st_size);
		close(fd);
	}
	return took;
}

static void clean_up(const struct bench *b)
{
	(void)b;
	if (unlink(path))
		bench_die("cannot remove the segment", -errno);
}

const struct bench attach_benches[] = {
	{
		.name = "attach",
		.peer = "open and mmap",
		.what = "open and first hit in a segment of a million slots",
		.target = 3,
		.size = SLOTS,
		.batch = 50,
		.prepare = prepare,
		.ours = ours,
		.theirs = theirs,
		.clean_up = clean_up,
	},
	{ 0 },
};
