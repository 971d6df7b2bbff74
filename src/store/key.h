/* SPDX-License-Identifier: MIT */
/* A key, as a caller gives it and as a slot holds it. */
#ifndef STORE_KEY_H
#define STORE_KEY_H

#include "os/hash.h"
#include "store/arena.h"

#define KEY_LEN_MASK 0xfffu
#define KEY_KIND_SHIFT 12

struct key {
	const uint8_t *data;
	uint32_t len;
	uint32_t tag; /* as in a slot: length and kind */
	uint64_t hash;
};

static inline struct key key_make(const struct mapping *map, enum shm_kind kind,
				  const void *data, size_t len)
{
	struct key k = {
		.data = data,
		.len = (uint32_t)len,
		.tag = (uint32_t)len | (uint32_t)kind << KEY_KIND_SHIFT,
		.hash = hash_bytes(data, len, map->seed + kind),
	};

	return k;
}

static inline enum shm_kind key_kind(const struct key *k)
{
	return (enum shm_kind)(k->tag >> KEY_KIND_SHIFT);
}

/* The length and the kind of the key in a slot. */
static inline uint32_t slot_key_len(const struct shm_slot *s)
{
	return load_relaxed(&s->key_tag) & KEY_LEN_MASK;
}

static inline enum shm_kind slot_kind(const struct shm_slot *s)
{
	return (enum shm_kind)(load_relaxed(&s->key_tag) >> KEY_KIND_SHIFT);
}

/* The hash's upper half orders a chain; its lower half chooses the bucket. */
static inline uint32_t key_order(const struct key *k)
{
	return (uint32_t)(k->hash >> 32);
}

/*
 * Compares a key with a slot's: by hash, kind, length, bytes. Returns < 0, 0 or
 * > 0. The slot may change meanwhile, so the answer counts only if the slot's
 * control word has not changed.
 */
int key_compare(const struct mapping *map, const struct key *k,
		const struct shm_slot *s);

bool key_equal_long(const struct mapping *map, const struct key *k,
		    const struct shm_slot *s);

static inline uint64_t key_word(const uint8_t *at)
{
	uint64_t w;

	copy_torn(&w, at, sizeof(w));
	return w;
}

/*
 * Compares keys of up to 24 bytes; those of 8 or more as words, which may
 * overlap. The slot's bytes may be those of its next life.
 */
static inline bool key_equal_short(const uint8_t *a, const uint8_t *b,
				   uint32_t len)
{
	if (len < 8) {
		for (uint32_t i = 0; i < len; i++)
			if (a[i] != load_relaxed(&b[i]))
				return false;
		return true;
	}
	return key_word(a) == key_word(b) &&
	       key_word(a + len - 8) == key_word(b + len - 8) &&
	       (len <= 16 || key_word(a + 8) == key_word(b + 8));
}

/* Whether the slot's key is `k`; the answer counts as key_compare()'s does. */
static inline bool key_equal(const struct mapping *map, const struct key *k,
			     const struct shm_slot *s)
{
	if (load_relaxed(&s->key_tag) != k->tag)
		return false;
	return k->len <= SHM_INLINE_KEY ?
		       key_equal_short(k->data, s->key, k->len) :
		       key_equal_long(map, k, s);
}

/*
 * Writes the key into a slot that P is making. The slot holds a short key
 * itself; for a longer key it holds the reference to a chain.
 */
int key_store(struct peer *p, uint32_t slot, const struct key *k);

/* Takes the key out of a slot that P owns, and frees a long key's chain. */
void key_free(struct peer *p, uint32_t slot);

/* Copies a slot's key to buf (SFSHM_KEY_MAX bytes); its length or -EBADMSG. */
int key_load(const struct mapping *map, const struct shm_slot *s, uint8_t *buf);

/* The place of a long key's reference in its slot. */
static inline uint32_t *key_ref(struct shm_slot *s)
{
	return (uint32_t *)(void *)s->key;
}

static inline const uint32_t *key_ref_of(const struct shm_slot *s)
{
	return (const uint32_t *)(const void *)s->key;
}

#endif
