/* SPDX-License-Identifier: MIT */
/*
 * Hits: a 24-byte key is looked up, its lifetime checked, 64 bytes copied.
 * The peer is liburcu's hash table with the same hash function, in private
 * memory: what a hit can cost when no other process need see it.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-memb.h>
#include <urcu/rculfhash.h>
#include <xxhash.h>

#include "bench.h"

struct node {
	struct cds_lfht_node link;
	uint64_t expires;
	char key[BENCH_KEY];
	char value[BENCH_VALUE];
};

static struct sfshm *segment;
static struct cds_lfht *table;
static struct node *nodes;
static char (*keys)[BENCH_KEY]; /* in the order they are asked for */

/* liburcu's macro for this casts const away. */
static const struct node *node_of(const struct cds_lfht_node *link)
{
	return (const void *)((const char *)link - offsetof(struct node, link));
}

static unsigned long hash(const char *key)
{
	return XXH3_64bits_withSeed(key, BENCH_KEY, 42);
}

static int matches(struct cds_lfht_node *link, const void *key)
{
	return !memcmp(node_of(link)->key, key, BENCH_KEY);
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
	nodes = calloc(count, sizeof(*nodes));
	if (!table || !nodes)
		bench_die("table", -ENOMEM);
	urcu_memb_read_lock();
	for (uint64_t i = 0; i < count; i++) {
		bench_key(nodes[i].key, i);
		nodes[i].expires = UINT64_MAX;
		cds_lfht_node_init(&nodes[i].link);
		cds_lfht_add(table, hash(nodes[i].key), &nodes[i].link);
	}
	urcu_memb_read_unlock();
}

static int prepare(const struct bench *b)
{
	struct sfshm_options o = {
		.slots = (uint32_t)b->size,
		.bytes = b->size * BENCH_VALUE,
	};
	uint32_t *numbers = bench_numbers(b->batch, b->size);

	segment = bench_segment(&o);
	bench_fill(segment, b->size);
	fill_table(b->size);
	keys = malloc(b->batch * sizeof(*keys));
	if (!keys)
		bench_die("keys", -ENOMEM);
	for (uint64_t i = 0; i < b->batch; i++)
		bench_key(keys[i], numbers[i]);
	free(numbers);
	return 0;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t start = bench_now(), took;

	(void)b;
	for (uint64_t i = 0; i < n; i++)
		if (sfshm_get(segment, keys[i], BENCH_KEY, &result))
			bench_die("a hit missed", -ENODATA);
	took = bench_now() - start;
	sfshm_result_clear(&result);
	return took;
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	char copy[BENCH_VALUE];
	uint64_t start = bench_now();

	(void)b;
	for (uint64_t i = 0; i < n; i++) {
		struct cds_lfht_iter at;
		struct cds_lfht_node *found;

		urcu_memb_read_lock();
		cds_lfht_lookup(table, hash(keys[i]), matches, keys[i], &at);
		found = cds_lfht_iter_get_node(&at);
		if (!found)
			bench_die("a hit missed", -ENODATA);
		if (coarse_now() < node_of(found)->expires)
			memcpy(copy, node_of(found)->value, sizeof(copy));
		urcu_memb_read_unlock();
		bench_use(copy);
	}
	return bench_now() - start;
}

static void clean_up(const struct bench *b)
{
	urcu_memb_read_lock();
	for (uint64_t i = 0; i < b->size; i++)
		cds_lfht_del(table, &nodes[i].link);
	urcu_memb_read_unlock();
	urcu_memb_synchronize_rcu();
	cds_lfht_destroy(table, NULL);
	urcu_memb_unregister_thread();
	free(nodes);
	free(keys);
	bench_segment_close();
}

#define HIT(title, text, keys_, most)                                     \
	{                                                                 \
		.name = title, .peer = "liburcu rculfhash", .what = text, \
		.target = most, .size = keys_, .batch = 200000,           \
		.prepare = prepare, .ours = ours, .theirs = theirs,       \
		.clean_up = clean_up,                                     \
	}

const struct bench hit_benches[] = {
	HIT("hit-random", "hit among 50 000 keys at random", 50000, 0.9),
	HIT("hit-hot", "hit on one key", 1, 1.3),
	HIT("scale-1k", "hit among 1 000 keys at random", 1000, 1.0),
	HIT("scale-64k", "hit among 65 536 keys at random", 65536, 1.0),
	HIT("scale-1m", "hit among 1 000 000 keys at random", 1000000, 1.0),
	{ 0 },
};
