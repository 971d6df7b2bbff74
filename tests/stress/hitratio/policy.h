/* SPDX-License-Identifier: MIT */
/*
 * Caches in miniature: they know which keys they hold, and nothing else. The
 * library is measured against them.
 */
#ifndef HITRATIO_POLICY_H
#define HITRATIO_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct cache;

struct policy {
	const char *name;
	/* Keys are 0 ... keys - 1. NULL: no memory. */
	struct cache *(*make)(uint32_t capacity, uint32_t keys);
	/* Asks for a key and keeps it; true: it was there. */
	bool (*ask)(struct cache *cache, uint32_t key);
	void (*free)(struct cache *cache);
};

extern const struct policy policy_lru;
extern const struct policy policy_clock;
extern const struct policy policy_sieve;
extern const struct policy policy_s3fifo;
extern const struct policy policy_sfshm;

#endif
