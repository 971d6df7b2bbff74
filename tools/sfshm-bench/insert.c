/* SPDX-License-Identifier: MIT */
/*
 * Inserts into a full segment: for each new key the library evicts another one,
 * and reuses that key's slot and memory after a grace period. One process
 * inserts, or two at the same time.
 *
 * The peer is liburcu's hash table in the private memory of a process with as
 * many threads. Each thread adds a key, removes the oldest of its keys, and
 * reuses that key's node after a grace period; it waits for one grace period
 * per SPARE nodes. The peer need not choose the key to remove, and allocates
 * nothing. The peer uses the flavour of liburcu whose readers execute memory
 * barriers, as ours do: with membarrier(2), grace periods this frequent would
 * take longer.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-mb.h>
#include <urcu/rculfhash.h>
#include <xxhash.h>

#include "bench.h"
#include "crowd.h"

#define KEYS 1000
#define SPARE 16 /* an evictor here retires this many slots at once */
#define MOST 2

struct node {
	struct cds_lfht_node link;
	uint64_t expires;
	char key[BENCH_KEY];
	char value[BENCH_VALUE];
} __attribute__((aligned(64)));

/* Each of the peer's threads owns the nodes that it inserts. */
struct inserter {
	struct node *ring;
	uint64_t live, count; /* nodes in the table at once, nodes in all */
	uint64_t at;          /* how many have been inserted */
	uint64_t n, took;
	pthread_t thread;
	unsigned int me;
} __attribute__((aligned(64)));

static struct crowd crowd;
static struct sfshm *attached; /* by a member of the crowd */
static struct cds_lfht *table;
static struct inserter inserters[MOST];
static uint32_t ready;
static unsigned int count;
static const char value[BENCH_VALUE] = "value";

/* Makes a key that nobody has had: `me` tells the inserters apart. */
static void new_key(char *key, unsigned int me, uint64_t serial)
{
	uint64_t number = (uint64_t)(me + 1) << 48 | serial;

	memset(key, 'k', BENCH_KEY - sizeof(number));
	memcpy(key + BENCH_KEY - sizeof(number), &number, sizeof(number));
}

/* Waits for all inserters, so that they insert at the same time. */
static void start_together(uint32_t *word)
{
	word_add(word, 1);
	while (word_read(word) < count)
		sched_yield();
}

static void insert(unsigned int me, uint64_t n)
{
	static struct sfshm_result result = SFSHM_RESULT_INIT;
	static uint64_t serial;
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_flight flight;
	char key[BENCH_KEY];
	int r;

	policy.ttl_ms = SFSHM_FOREVER;
	policy.flags = SFSHM_KEEP;
	while (n--) {
		new_key(key, me, serial++);
		r = sfshm_begin(attached, key, sizeof(key), &policy, &flight,
				&result);
		if (r != SFSHM_LEADER)
			bench_die("a new key is not led", r < 0 ? r : -EEXIST);
		r = sfshm_publish(&flight, value, sizeof(value));
		if (r)
			bench_die("a new key is not kept", r);
	}
}

static void member(struct crowd_page *page, unsigned int me, uint32_t command)
{
	uint64_t start;
	int r = 0;

	(void)command;
	if (!attached)
		r = sfshm_open(&attached, bench_segment_name(), NULL);
	if (r)
		bench_die("an inserter cannot attach", r);
	start_together(&page->ready);
	start = bench_now();
	insert(me, page->arg);
	page->member[me].at = bench_now() - start;
}

/* Each inserter inserts `n` keys. The slower one's time counts. */
static uint64_t ours(const struct bench *b, uint64_t n)
{
	(void)b;
	crowd_command(&crowd, 0, n);
	crowd_wait(&crowd);
	return crowd_last(&crowd);
}

static unsigned long hash(const char *key)
{
	return XXH3_64bits_withSeed(key, BENCH_KEY, 42);
}

static int matches(struct cds_lfht_node *link, const void *key)
{
	/* liburcu's macro for this casts const away. */
	const char *node = (const char *)link - offsetof(struct node, link);

	return !memcmp(node + offsetof(struct node, key), key, BENCH_KEY);
}

/* Inserts into the node that was removed SPARE inserts ago. */
static void replace(struct inserter *in)
{
	struct node *node = &in->ring[in->at % in->count];

	new_key(node->key, in->me, in->at);
	memcpy(node->value, value, sizeof(value));
	node->expires = UINT64_MAX;
	cds_lfht_node_init(&node->link);
	urcu_mb_read_lock();
	if (cds_lfht_add_unique(table, hash(node->key), matches, node->key,
				&node->link) != &node->link)
		bench_die("a new key was there", -EEXIST);
	if (in->at >= in->live) {
		node = &in->ring[(in->at - in->live) % in->count];
		cds_lfht_del(table, &node->link);
	}
	urcu_mb_read_unlock();
	if (++in->at % SPARE == 0)
		urcu_mb_synchronize_rcu();
}

static void *run(void *arg)
{
	struct inserter *in = arg;
	uint64_t start;

	urcu_mb_register_thread();
	start_together(&ready);
	start = bench_now();
	for (uint64_t i = 0; i < in->n; i++)
		replace(in);
	in->took = bench_now() - start;
	urcu_mb_unregister_thread();
	return NULL;
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	uint64_t took = 0;

	word_write(&ready, 0);
	for (unsigned int i = 0; i < b->size; i++) {
		struct inserter *in = &inserters[i];
		int r;

		in->n = n;
		r = pthread_create(&in->thread, NULL, run, in);
		if (r)
			bench_die("cannot start a thread", -r);
	}
	for (unsigned int i = 0; i < b->size; i++) {
		pthread_join(inserters[i].thread, NULL);
		if (took < inserters[i].took)
			took = inserters[i].took;
	}
	return took;
}

static void fill_table(void)
{
	table = cds_lfht_new_flavor(1024, 1, 0, 0, &urcu_mb_flavor, NULL);
	if (!table)
		bench_die("no memory for the table", -ENOMEM);
	for (unsigned int i = 0; i < count; i++) {
		struct inserter *in = &inserters[i];

		*in = (struct inserter){ .live = KEYS / count, .me = i };
		in->count = in->live + SPARE;
		in->ring = aligned_alloc(64, in->count * sizeof(*in->ring));
		if (!in->ring)
			bench_die("no memory for the nodes", -ENOMEM);
		while (in->at < in->live)
			replace(in);
	}
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = {
		.slots = KEYS,
		.bytes = (uint64_t)KEYS * BENCH_VALUE,
	};

	count = (unsigned int)b->size;
	bench_fill(bench_segment(&o), KEYS, BENCH_KEY, BENCH_VALUE);
	crowd_start(&crowd, count, member);
	urcu_mb_register_thread();
	fill_table();
	return NULL;
}

static void clean_up(const struct bench *b)
{
	urcu_mb_read_lock();
	for (unsigned int i = 0; i < b->size; i++) {
		struct inserter *in = &inserters[i];

		for (uint64_t at = in->at - in->live; at < in->at; at++)
			cds_lfht_del(table, &in->ring[at % in->count].link);
	}
	urcu_mb_read_unlock();
	urcu_mb_synchronize_rcu();
	cds_lfht_destroy(table, NULL);
	urcu_mb_unregister_thread();
	for (unsigned int i = 0; i < b->size; i++)
		free(inserters[i].ring);
	crowd_end(&crowd);
	bench_segment_close();
}

#define INSERT(title, text, peer_, inserters_)                       \
	{                                                            \
		.name = (title), .peer = (peer_), .what = (text),    \
		.size = (inserters_), .batch = 200000, .anew = true, \
		.prepare = prepare, .ours = ours, .theirs = theirs,  \
		.clean_up = clean_up,                                \
	}

const struct bench insert_benches[] = {
	INSERT("insert-full",
	       "insert among 1 000 keys, each in another's place",
	       "liburcu rculfhash", 1),
	INSERT("insert-full-2", "the same, by two processes at once",
	       "liburcu rculfhash, two threads", 2),
	{ 0 },
};
