/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include <stdlib.h>

#include "queue.h"

struct cache {
	uint32_t capacity;
	struct links *links;
	uint8_t *where; /* 0: not held; else which queue it is in */
	uint8_t *used;  /* asked for since it was last passed over */
	struct queue main, small, ghost;
	uint32_t hand;
};

enum { NOWHERE, MAIN, SMALL, GHOST };

static void simulated_free(struct cache *c)
{
	if (!c)
		return;
	free(c->links);
	free(c->where);
	free(c->used);
	free(c);
}

static struct cache *simulated_make(uint32_t capacity, uint32_t keys)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->capacity = capacity;
	c->links = calloc(keys, sizeof(*c->links));
	c->where = calloc(keys, sizeof(*c->where));
	c->used = calloc(keys, sizeof(*c->used));
	c->hand = NO_KEY;
	queue_init(&c->main);
	queue_init(&c->small);
	queue_init(&c->ghost);
	if (c->links && c->where && c->used)
		return c;
	simulated_free(c);
	return NULL;
}

static void enter(struct cache *c, struct queue *q, uint8_t where, uint32_t key)
{
	queue_push(q, c->links, key);
	c->where[key] = where;
	c->used[key] = 0;
}

static void leave(struct cache *c, struct queue *q, uint32_t key)
{
	queue_remove(q, c->links, key);
	c->where[key] = NOWHERE;
}

/* The one that was asked for longest ago goes. */
static bool lru_ask(struct cache *c, uint32_t key)
{
	bool hit = c->where[key];

	if (hit)
		leave(c, &c->main, key);
	else if (c->main.n == c->capacity)
		leave(c, &c->main, c->main.oldest);
	enter(c, &c->main, MAIN, key);
	return hit;
}

/* The oldest goes, but who was used goes round once more (a bit per key). */
static bool clock_ask(struct cache *c, uint32_t key)
{
	if (c->where[key]) {
		c->used[key] = 1;
		return true;
	}
	while (c->main.n == c->capacity) {
		uint32_t old = c->main.oldest;
		bool spared = c->used[old];

		leave(c, &c->main, old);
		if (spared)
			enter(c, &c->main, MAIN, old);
	}
	enter(c, &c->main, MAIN, key);
	return false;
}

/* As CLOCK, but who is spared stays where it is (Zhang et al., NSDI 2024). */
static bool sieve_ask(struct cache *c, uint32_t key)
{
	uint32_t at = c->hand;

	if (c->where[key]) {
		c->used[key] = 1;
		return true;
	}
	if (c->main.n == c->capacity) {
		at = at == NO_KEY ? c->main.oldest : at;
		while (c->used[at]) {
			c->used[at] = 0;
			at = c->links[at].newer;
			at = at == NO_KEY ? c->main.oldest : at;
		}
		c->hand = c->links[at].newer;
		leave(c, &c->main, at);
	}
	enter(c, &c->main, MAIN, key);
	return false;
}

/* From the small queue: to the main one if used twice, else out of sight. */
static void s3fifo_shrink_small(struct cache *c)
{
	uint32_t old = c->small.oldest;
	bool wanted = c->used[old] > 1;

	leave(c, &c->small, old);
	if (wanted) {
		enter(c, &c->main, MAIN, old);
		return;
	}
	if (c->ghost.n == c->capacity - c->capacity / 10)
		leave(c, &c->ghost, c->ghost.oldest);
	enter(c, &c->ghost, GHOST, old);
}

static void s3fifo_shrink_main(struct cache *c)
{
	uint32_t old = c->main.oldest;
	uint8_t used = c->used[old];

	leave(c, &c->main, old);
	if (!used)
		return;
	enter(c, &c->main, MAIN, old);
	c->used[old] = used - 1;
}

/* A small queue on probation, a main one, a memory (Yang et al., SOSP 2023). */
static bool s3fifo_ask(struct cache *c, uint32_t key)
{
	bool known = c->where[key] == GHOST;

	if (c->where[key] == MAIN || c->where[key] == SMALL) {
		c->used[key] += c->used[key] < 3;
		return true;
	}
	if (known)
		leave(c, &c->ghost, key);
	while (c->main.n + c->small.n >= c->capacity) {
		if (c->small.n >= c->capacity / 10 || !c->main.n)
			s3fifo_shrink_small(c);
		else
			s3fifo_shrink_main(c);
	}
	enter(c, known ? &c->main : &c->small, known ? MAIN : SMALL, key);
	return false;
}

const struct policy policy_lru = { "LRU", simulated_make, lru_ask,
				   simulated_free };
const struct policy policy_clock = { "CLOCK", simulated_make, clock_ask,
				     simulated_free };
const struct policy policy_sieve = { "SIEVE", simulated_make, sieve_ask,
				     simulated_free };
const struct policy policy_s3fifo = { "S3-FIFO", simulated_make, s3fifo_ask,
				      simulated_free };
