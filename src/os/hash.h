/* SPDX-License-Identifier: MIT */
/*
 * Hashing: XXH3. Each segment has its own seed, so that nobody can choose keys
 * that all fall into one bucket.
 */
#ifndef OS_HASH_H
#define OS_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, len, seed);
}

/* Pseudo-random bits, from the thread's own state. Not for secrets. */
uint64_t hash_draw(void);

/* Random bits for seeds and cookies, from the kernel if it has any; never 0. */
uint64_t hash_random(void);

#endif
