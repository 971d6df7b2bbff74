/* SPDX-License-Identifier: MIT */
/*
 * The process's shared handle, which follows forks: what it costs to find it,
 * and what a hit through it costs.
 */
#include <errno.h>

#include "bench.h"

static struct sfshm *plain, *shared;
static struct bench_keys keys;
static const struct sfshm_options options = { .size = sizeof(options) };

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 64, .bytes = 65536 };

	(void)b;
	plain = bench_segment(&o);
	bench_fill(plain, 1, BENCH_KEY, BENCH_VALUE);
	bench_keys_make(&keys, BENCH_KEY, 1);
	shared = sfshm_shared(bench_segment_name(), &options);
	return shared ? NULL : "there is no shared handle";
}

static uint64_t find(const struct bench *b, uint64_t n)
{
	const char *name = bench_segment_name();
	uint64_t start = bench_now();

	(void)b;
	for (uint64_t i = 0; i < n; i++)
		if (sfshm_shared(name, &options) != shared)
			bench_die("another handle", -ESTALE);
	return bench_now() - start;
}

static uint64_t hit_shared(const struct bench *b, uint64_t n)
{
	(void)b;
	return bench_hits(shared, &keys, 0, n);
}

static uint64_t hit_plain(const struct bench *b, uint64_t n)
{
	(void)b;
	return bench_hits(plain, &keys, 1, n);
}

static void clean_up(const struct bench *b)
{
	(void)b;
	bench_keys_free(&keys);
	bench_segment_close();
}

const struct bench shared_benches[] = {
	{
		.name = "hit-shared",
		.peer = "a handle of sfshm_open()",
		.what = "hit on one key through the shared handle",
		.target = 1.05,
		.batch = 200000,
		.prepare = prepare,
		.ours = hit_shared,
		.theirs = hit_plain,
		.clean_up = clean_up,
	},
	{
		.name = "shared",
		.peer = "a hit on one key",
		.what = "find the process's shared handle by its name",
		.batch = 200000,
		.prepare = prepare,
		.ours = find,
		.theirs = hit_plain,
		.clean_up = clean_up,
	},
	{ 0 },
};
