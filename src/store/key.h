/* SPDX-License-Identifier: MIT */
/* A key, as asked for and as it stands in a slot. */
#ifndef STORE_KEY_H
#define STORE_KEY_H

#include "store/arena.h"

struct key {
	const uint8_t *data;
	uint32_t len;
	uint64_t hash;
};

struct key key_make(const struct mapping *map, const void *data, size_t len);

/* The upper half orders a chain, the lower half chooses its bucket. */
static inline uint32_t key_order(const struct key *k)
{
	return (uint32_t)(k->hash >> 32);
}

/*
 * Compares a key with a slot's: by hash, length, bytes. < 0, 0, > 0. The slot
 * may change meanwhile: the answer counts only if its control word did not.
 */
int key_compare(const struct mapping *map, const struct key *k,
		const struct shm_slot *s);

/*
 * Writes the key into a slot that is P's, in the making. Short keys stand in
 * the slot, longer ones in a chain whose reference does.
 */
int key_store(struct peer *p, uint32_t slot, const struct key *k);

/* Frees a long key's chain. For the slot's owner. */
void key_free(struct peer *p, uint32_t slot);

/* Copies a slot's key to buf (SFSHM_KEY_MAX bytes); its length or -EBADMSG. */
int key_load(const struct mapping *map, const struct shm_slot *s, uint8_t *buf);

/* Where a long key's reference stands in its slot. */
static inline uint32_t *key_ref(struct shm_slot *s)
{
	return (uint32_t *)(void *)s->key;
}

#endif
