/* SPDX-License-Identifier: MIT */
/*
 * Large values, against memcpy(3) of the same bytes in one piece: between
 * private memory and memory that processes share. A library that copies a
 * value makes this copy, too.
 *
 * In a churned segment, values of all sizes have filled the memory three times
 * over before the value is published.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define MEMORY (16 << 20)
#define LARGEST (1 << 20)

static struct sfshm *segment;
static char key[BENCH_KEY], *value, *shared;
static uint64_t serial;

static void publish(const char *name, uint64_t bytes)
{
	static struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_flight flight;
	int r;

	policy.ttl_ms = SFSHM_FOREVER;
	policy.flags = SFSHM_KEEP | SFSHM_REFRESH;
	r = sfshm_begin(segment, name, BENCH_KEY, &policy, &flight, &result);
	if (r == SFSHM_LEADER)
		r = sfshm_publish(&flight, value, bytes);
	if (r)
		bench_die("cannot publish a large value", r);
}

/* Publishes a key that nobody has had. */
static void insert(uint64_t bytes)
{
	char name[BENCH_KEY];

	bench_key(name, ++serial);
	publish(name, bytes);
}

/* Values of 1 byte to 128 KiB, as many of each doubling. */
static void churn(void)
{
	uint64_t x = 88172645463325252, left = UINT64_C(3) * MEMORY;

	while (left < UINT64_MAX / 2) {
		uint64_t bytes;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes = (UINT64_C(1) << x % 17) + (x >> 32) % (1 << x % 17);
		insert(bytes);
		left -= bytes;
	}
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 16384, .bytes = MEMORY };

	segment = bench_segment(&o);
	value = malloc(LARGEST);
	shared = bench_share(LARGEST);
	if (!value)
		bench_die("no memory for a value", -ENOMEM);
	memset(value, 'v', LARGEST);
	memcpy(shared, value, LARGEST);
	serial = 0;
	bench_key(key, 0);
	if (b->size)
		churn();
	publish(key, b->value);
	return NULL;
}

static uint64_t ours_get(const struct bench *b, uint64_t n)
{
	static struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < n; i++)
		if (sfshm_get(segment, key, sizeof(key), &result) ||
		    result.value.len != b->value)
			bench_die("a hit missed", -ENODATA);
	return bench_now() - start;
}

static uint64_t their_get(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < n; i++) {
		memcpy(value, shared, b->value);
		bench_use(value);
	}
	return bench_now() - start;
}

static uint64_t ours_insert(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < n; i++)
		insert(b->value);
	return bench_now() - start;
}

static uint64_t ours_forget(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < n; i++) {
		publish(key, b->value);
		if (sfshm_forget(segment, key, sizeof(key)))
			bench_die("a key is not forgotten", -EBUSY);
	}
	return bench_now() - start;
}

static uint64_t their_put(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < n; i++) {
		memcpy(shared, value, b->value);
		bench_use(shared);
	}
	return bench_now() - start;
}

static void clean_up(const struct bench *b)
{
	(void)b;
	free(value);
	munmap(shared, LARGEST);
	bench_segment_close();
}

#define LARGE(title, text, bytes, churned, limit, ours_, theirs_)          \
	{                                                                  \
		.name = (title), .peer = "memcpy(3) of the same bytes",    \
		.what = (text), .target = (limit), .size = (churned),      \
		.value = (bytes), .batch = 20000, .prepare = prepare,      \
		.ours = (ours_), .theirs = (theirs_), .clean_up = clean_up \
	}

const struct bench large_benches[] = {
	LARGE("large-get-4k", "hit on a value of 4 KiB", 4096, 0, 1.6, ours_get,
	      their_get),
	LARGE("large-get-64k", "hit on a value of 64 KiB", 65536, 0, 1.15,
	      ours_get, their_get),
	LARGE("large-get-1m", "hit on a value of 1 MiB", 1 << 20, 0, 1.1,
	      ours_get, their_get),
	LARGE("large-churned-4k", "the same in a churned segment", 4096, 1, 1.6,
	      ours_get, their_get),
	LARGE("large-churned-64k", "the same in a churned segment", 65536, 1,
	      1.15, ours_get, their_get),
	LARGE("large-churned-1m", "the same in a churned segment", 1 << 20, 1,
	      1.1, ours_get, their_get),
	LARGE("large-insert-4k", "insert 4 KiB into full memory", 4096, 1, 4,
	      ours_insert, their_put),
	LARGE("large-insert-64k", "insert 64 KiB into full memory", 65536, 1, 4,
	      ours_insert, their_put),
	LARGE("large-insert-1m", "insert 1 MiB into full memory", 1 << 20, 1, 4,
	      ours_insert, their_put),
	LARGE("large-forget-4k", "publish and forget a value of 4 KiB", 4096, 0,
	      0, ours_forget, their_put),
	{ 0 },
};
