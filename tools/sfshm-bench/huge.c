/* SPDX-License-Identifier: MIT */
/*
 * Huge pages: the same hits in two segments of a million keys, with and
 * without.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static char folder[64];
static struct sfshm *huge, *plain;
static struct bench_keys keys;

/* KiB of shared memory that this process has mapped by huge pages. */
static unsigned long mapped_huge(void)
{
	static const char name[] = "ShmemPmdMapped:";
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, sizeof(name) - 1))
			kib = strtoul(line + sizeof(name) - 1, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static struct sfshm *make(const struct bench *b, const char *name,
			  uint32_t flags)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE | flags,
		.slots = (uint32_t)b->size,
		.bytes = b->size * BENCH_VALUE,
	};
	char path[128];
	struct sfshm *h;
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	r = sfshm_open(&h, path, &o);
	if (r)
		bench_die("cannot make a segment", r);
	bench_fill(h, b->size, BENCH_KEY, BENCH_VALUE);
	return h;
}

static void clean_up(const struct bench *b)
{
	(void)b;
	sfshm_close(plain);
	sfshm_close(huge);
	bench_keys_free(&keys);
	bench_folder_remove(folder);
}

static const char *prepare(const struct bench *b)
{
	bench_folder(folder, sizeof(folder));
	plain = make(b, "plain", 0);
	huge = make(b, "huge", SFSHM_HUGE_PAGES);
	bench_keys_make(&keys, BENCH_KEY, b->size);
	if (mapped_huge() > 0)
		return NULL;
	clean_up(b);
	return "the kernel has no huge pages to give";
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	(void)b;
	return bench_hits(huge, &keys, 0, n);
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	(void)b;
	return bench_hits(plain, &keys, 1, n);
}

const struct bench huge_benches[] = {
	{
		.name = "huge",
		.peer = "sfshm, pages of 4 KiB",
		.what = "hit among 1 000 000 keys at random, huge pages",
		.size = 1000000,
		.batch = BENCH_LARGE_BATCH,
		.turns = BENCH_LARGE_TURNS,
		.rounds = 7,
		.turn_ms = BENCH_LARGE_MS,
		.prepare = prepare,
		.ours = ours,
		.theirs = theirs,
		.clean_up = clean_up,
	},
	{ 0 },
};
