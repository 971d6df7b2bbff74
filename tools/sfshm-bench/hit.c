/* SPDX-License-Identifier: MIT */
/*
 * Hits: look a key up, check its lifetime, copy the value. A key has 24 bytes,
 * which fit into a slot, or 40, which are kept outside the slot. The peer is
 * liburcu's hash table with the same hash function, in private memory: it shows
 * the cost of a hit on a value that no other process can see.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urcu/urcu-memb.h>
#include <urcu/rculfhash.h>
#include <xxhash.h>

#include "bench.h"

struct node {
	struct cds_lfht_node link;
	uint64_t expires;
	char key[]; /* the value follows */
};

static struct sfshm *segment;
static struct cds_lfht *table;
static char *nodes, *copy;
static uint64_t key_bytes, value_bytes, stride;
static cds_lfht_match_fct matches;
static struct bench_keys keys;

static struct node *node_at(uint64_t i)
{
	return (void *)(nodes + i * stride);
}

/* liburcu's macro for this casts const away. */
static const struct node *node_of(const struct cds_lfht_node *link)
{
	return (const void *)((const char *)link - offsetof(struct node, link));
}

static unsigned long hash(const char *key)
{
	return XXH3_64bits_withSeed(key, key_bytes, 42);
}

/* The lengths are constants, so that the compiler compares in place. */
static int matches_short(struct cds_lfht_node *link, const void *key)
{
	return !memcmp(node_of(link)->key, key, BENCH_KEY);
}

static int matches_long(struct cds_lfht_node *link, const void *key)
{
	return !memcmp(node_of(link)->key, key, BENCH_KEY_LONG);
}

static uint64_t coarse_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void fill_table(uint64_t count)
{
	unsigned long buckets = 1;

	while (buckets < count)
		buckets <<= 1;
	urcu_memb_register_thread();
	table = cds_lfht_new_flavor(buckets, 1, 0, 0, &urcu_memb_flavor, NULL);
	nodes = calloc(count, stride);
	copy = malloc(value_bytes);
	if (!table || !nodes || !copy)
		bench_die("no memory for the table", -ENOMEM);
	urcu_memb_read_lock();
	for (uint64_t i = 0; i < count; i++) {
		struct node *node = node_at(i);

		bench_key_of(node->key, key_bytes, i);
		node->expires = UINT64_MAX;
		cds_lfht_node_init(&node->link);
		cds_lfht_add(table, hash(node->key), &node->link);
	}
	urcu_memb_read_unlock();
}

static uint64_t in_lines(uint64_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = (uint32_t)b->size };

	key_bytes = b->key ? b->key : BENCH_KEY;
	matches = b->key ? matches_long : matches_short;
	value_bytes = b->value ? b->value : BENCH_VALUE;
	stride = in_lines(sizeof(struct node) + key_bytes + value_bytes);
	o.bytes = b->size * in_lines(value_bytes);
	if (key_bytes > BENCH_KEY)
		o.bytes += b->size * in_lines(key_bytes);
	segment = bench_segment(&o);
	bench_fill(segment, b->size, key_bytes, value_bytes);
	fill_table(b->size);
	bench_keys_make(&keys, key_bytes, b->size);
	return NULL;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	(void)b;
	return bench_hits(segment, &keys, 0, n);
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	(void)b;
	for (uint64_t i = 0; i < n; i++) {
		const char *key = bench_next(&keys, 1);
		struct cds_lfht_iter at;
		struct cds_lfht_node *found;

		urcu_memb_read_lock();
		cds_lfht_lookup(table, hash(key), matches, key, &at);
		found = cds_lfht_iter_get_node(&at);
		if (!found)
			bench_die("a hit missed", -ENODATA);
		if (coarse_now() < node_of(found)->expires)
			memcpy(copy, node_of(found)->key + key_bytes,
			       value_bytes);
		urcu_memb_read_unlock();
		bench_use(copy);
	}
	return bench_now() - start;
}

static void clean_up(const struct bench *b)
{
	urcu_memb_read_lock();
	for (uint64_t i = 0; i < b->size; i++)
		cds_lfht_del(table, &node_at(i)->link);
	urcu_memb_read_unlock();
	urcu_memb_synchronize_rcu();
	cds_lfht_destroy(table, NULL);
	urcu_memb_unregister_thread();
	free(nodes);
	free(copy);
	bench_keys_free(&keys);
	bench_segment_close();
}

#define LARGE(keys_) ((keys_) > 100000)

/* A case sets fields of its own after the number of its keys. */
#define HIT(keys_, ...)                                               \
	{                                                             \
		.peer = "liburcu rculfhash", .size = (keys_),         \
		.batch = BENCH_LARGE_BATCH,                           \
		.turns = LARGE(keys_) ? BENCH_LARGE_TURNS : 0,        \
		.turn_ms = LARGE(keys_) ? BENCH_LARGE_MS : 0,         \
		.rounds = LARGE(keys_) ? 7 : 0, .prepare = prepare,   \
		.ours = ours, .theirs = theirs, .clean_up = clean_up, \
		__VA_ARGS__                                           \
	}

/* With `anew`, each round has other pages: their place affects all turns. */
#define ROW(title, text, keys_, ...) \
	HIT(keys_, .name = (title), .what = (text), .anew = true, __VA_ARGS__)

const struct bench hit_benches[] = {
	ROW("hit-random", "hit among 50 000 keys at random", 50000,
	    .target = 0.9),
	ROW("hit-hot", "hit on one key", 1, .target = 1.3),
	ROW("hit-key40", "hit among 1 000 keys of 40 bytes at random", 1000,
	    .key = BENCH_KEY_LONG),
	ROW("scale-1k", "hit among 1 000 keys at random", 1000, .target = 1),
	ROW("scale-64k", "hit among 65 536 keys at random", 65536, .target = 1),
	ROW("scale-1m", "hit among 1 000 000 keys at random", 1000000,
	    .target = 1),
	{ 0 },
};

#define POINT(keys_, bytes) \
	HIT(keys_, .name = "hit", .what = "hit", .value = (bytes))

const struct bench hit_by_keys[] = {
	POINT(1, 0),      POINT(64, 0),      POINT(1000, 0),
	POINT(4000, 0),   POINT(16000, 0),   POINT(65536, 0),
	POINT(250000, 0), POINT(1000000, 0), { 0 },
};

const struct bench hit_by_value[] = {
	POINT(64, 16),    POINT(64, 64),     POINT(64, 256),
	POINT(64, 1024),  POINT(64, 4096),   POINT(64, 16384),
	POINT(64, 65536), POINT(64, 262144), { 0 },
};
