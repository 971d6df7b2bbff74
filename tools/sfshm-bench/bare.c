/* SPDX-License-Identifier: MIT */
/*
 * The least work that a hit across processes needs: hash the key, find its
 * bucket and node in shared memory, compare the node's key, check its lifetime
 * by the cheapest clock, and copy the value. Nothing guards the copy: if
 * another process changed or freed the node meanwhile, the reader would not
 * notice.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <xxhash.h>

#include "bench.h"

struct node {
	uint64_t expires;
	uint32_t next; /* index + 1 */
	uint32_t hash;
	char key[BENCH_KEY];
	char value[BENCH_VALUE];
} __attribute__((aligned(64)));

static struct sfshm *segment;
static struct bench_keys keys;
static struct node *nodes;
static uint32_t *buckets;
static uint64_t count;

static uint64_t hash(const char *key)
{
	return XXH3_64bits_withSeed(key, BENCH_KEY, 42);
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = {
		.slots = (uint32_t)b->size,
		.bytes = b->size * BENCH_VALUE,
	};

	segment = bench_segment(&o);
	bench_fill(segment, b->size, BENCH_KEY, BENCH_VALUE);
	bench_keys_make(&keys, BENCH_KEY, b->size);
	for (count = 64; count < b->size;)
		count *= 2;
	nodes = bench_share(b->size * sizeof(*nodes));
	buckets = bench_share(count * sizeof(*buckets));
	for (uint32_t i = 0; i < b->size; i++) {
		uint32_t *bucket;
		uint64_t h;

		bench_key(nodes[i].key, i);
		h = hash(nodes[i].key);
		bucket = &buckets[h % count];
		nodes[i].expires = UINT64_MAX;
		nodes[i].hash = (uint32_t)(h >> 32);
		nodes[i].next = *bucket;
		*bucket = i + 1;
	}
	return NULL;
}

static const struct node *find(const char *key)
{
	uint64_t h = hash(key);
	uint32_t at = __atomic_load_n(&buckets[h % count], __ATOMIC_ACQUIRE);

	while (at) {
		const struct node *node = &nodes[at - 1];

		if (node->hash == (uint32_t)(h >> 32) &&
		    !memcmp(node->key, key, BENCH_KEY))
			return node;
		at = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE);
	}
	bench_die("a bare hit missed", -ENODATA);
}

static uint64_t bare(const struct bench *b, uint64_t n)
{
	char copy[BENCH_VALUE];
	uint64_t start = bench_now();

	(void)b;
	while (n--) {
		const struct node *node = find(bench_next(&keys, 1));
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
		if ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec <
		    node->expires)
			memcpy(copy, node->value, sizeof(copy));
		bench_use(copy);
	}
	return bench_now() - start;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	(void)b;
	return bench_hits(segment, &keys, 0, n);
}

static void clean_up(const struct bench *b)
{
	munmap(nodes, b->size * sizeof(*nodes));
	munmap(buckets, count * sizeof(*buckets));
	bench_keys_free(&keys);
	bench_segment_close();
}

#define BARE(title, text, keys_)                                              \
	{                                                                     \
		.name = (title), .peer = "an unguarded table, shared memory", \
		.what = (text), .size = (keys_), .batch = 200000,             \
		.anew = true, .prepare = prepare, .ours = ours,               \
		.theirs = bare, .clean_up = clean_up,                         \
	}

const struct bench bare_benches[] = {
	BARE("hit-random-limit", "hit among 50 000 keys at random", 50000),
	BARE("hit-hot-limit", "hit on one key", 1),
	{ 0 },
};
