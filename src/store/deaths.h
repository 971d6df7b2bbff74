/* SPDX-License-Identifier: MIT */
/*
 * Keeps the deaths of a key's leaders when the key loses its slot, so that a
 * breaker (breaker_deaths in sfshm/flight.h) goes on counting after the slot is
 * stolen, evicted or invalidated. A small table in the header holds a word for
 * each of a few keys; the key's hash chooses the place:
 *
 *   bits  0..4   how many leaders died in a row; 0: the word is empty
 *   bits  5..31  fingerprint of the key's hash
 *   bits 32..63  when the last one died, in steps of 2^24 ns (17 ms)
 *
 * The words are hints: one key's word may replace another's. Two keys with the
 * same 32 bits of hash, one pair in 2^32, share their deaths.
 */
#ifndef STORE_DEATHS_H
#define STORE_DEATHS_H

#include "store/slot.h"

/*
 * Returns the word for the key of a slot that is about to be retired (before
 * FLIGHT-T10 and FLIGHT-T11), or 0 if no leader has died there or the key is a
 * lock.
 */
uint64_t deaths_of(const struct mapping *map, uint32_t slot, uint64_t ctl);

/* Remembers that word for the key with this hash. */
void deaths_remember(struct mapping *map, uint32_t hash, uint64_t word);

/* Returns the word of the key with this hash, or 0. */
uint64_t deaths_recall(const struct mapping *map, uint32_t hash);

/* Forgets the word, because the key's slot has the deaths, or they are void. */
void deaths_forget(struct mapping *map, uint32_t hash, uint64_t word);

/* Forgets the words of all keys. */
void deaths_forget_all(struct mapping *map);

static inline uint32_t deaths_remembered(uint64_t word)
{
	return word & DEATHS_MOST;
}

/* When the last leader died, ns; 0: the word is empty. */
static inline uint64_t deaths_when(uint64_t word, uint64_t now)
{
	return word ? ns_nearest(word >> 32, 32, 24, now) : 0;
}

#endif
