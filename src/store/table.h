/* SPDX-License-Identifier: MIT */
/*
 * The slot table: buckets of sorted chains of slots (Michael, "High
 * performance dynamic lock-free hash tables and list-based sets", 2002), with
 * indices for pointers.
 *
 * A link is a word: tag (32 bits), mark (1), slot + 1 (31). The tag grows at
 * every change of the word but one: the setting of the mark. The mark on a
 * slot's own link says that the slot leaves its chain, or has left it.
 *
 * Invariants:
 *
 *  TABLE-1. A chain is sorted by (hash, kind, length, bytes), so a key has one
 *      place and cannot be in the chain twice.
 *  TABLE-2. The link of a slot in a chain changes only while the link is
 *      unmarked. Any writer that meets a marked slot unlinks it, by a CAS of
 *      the link before it.
 *  TABLE-3. A slot that has left its chain keeps its link until its grace
 *      period is over, so a reader that stands on the slot can walk on.
 *  TABLE-4. A CAS on a link succeeds only if the link has not changed since the
 *      thread read it, not even across the slot's lives: each change gives the
 *      link a new tag, or a mark that only a new tag takes away.
 *
 * The caller of each function below except table_glance() is inside an epoch
 * section.
 */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

#include "store/ctl.h"
#include "store/epoch.h"
#include "store/key.h"

#define LINK_MARK (UINT64_C(1) << 31)
#define LINK_INDEX_MASK UINT64_C(0x7fffffff)

/* A slot that a look-up met. */
struct sighting {
	uint32_t slot;
	uint64_t ctl; /* read before the key was compared */
};

/*
 * Finds the key's slot. Returns 1 if found, 0 if not, -EAGAIN if the reader was
 * expelled (it leaves the section and enters again), or -EBADMSG.
 *
 * out->ctl was read before the key was compared. If the slot's word is the same
 * later, the slot is still that key's.
 */
int table_find(struct peer *p, const struct key *k, struct sighting *out);

/*
 * Links a slot in the making whose key is `k`. Returns 0, -EEXIST if the key is
 * linked already, -EAGAIN, or -EBADMSG.
 */
int table_insert(struct peer *p, const struct key *k, uint32_t slot);

/*
 * Takes a retired slot, whose word is `ctl`, out of its chain. Returns 0 if
 * this or another caller took the slot out, or its word has changed; else
 * -EAGAIN or -EBADMSG.
 */
int table_unlink(struct peer *p, uint32_t slot, uint64_t ctl);

/* Whether the slot is in its chain: 1, 0, -EAGAIN, or -EBADMSG. */
int table_contains(struct peer *p, uint32_t slot);

static inline uint32_t link_index(uint64_t link)
{
	return (uint32_t)(link & LINK_INDEX_MASK);
}

/* The word that follows `old` and points to `index` (slot + 1). */
static inline uint64_t link_next(uint64_t old, uint32_t index)
{
	return ((old >> 32) + 1) << 32 | index;
}

/*
 * Chooses a bucket by the lower half of the hash (Lemire, "Fast random integer
 * generation in an interval", 2019).
 */
static inline uint32_t bucket_index(const struct mapping *map, uint64_t hash)
{
	return (uint32_t)((hash & UINT32_MAX) * map->geometry.buckets >> 32);
}

static inline uint64_t *bucket_of(const struct mapping *map, uint64_t hash)
{
	return &map->buckets[bucket_index(map, hash)];
}

/*
 * An optimistic look-up of a key of at most SHM_INLINE_KEY bytes, the only call
 * here that needs no section. The slots that it walks over may be in their next
 * life, as for an expelled reader (EPOCH-3): it reads rubbish at worst, because
 * all slots are always mapped and every index is checked. The result counts
 * only if the control word is unchanged afterwards. Then the slot has been that
 * key's all the while; if the word says BUSY or at rest, the slot has been in
 * its chain, too. NULL proves nothing.
 */
static force_inline const struct shm_slot *
table_glance(const struct mapping *map, const struct key *k,
	     struct sighting *seen)
{
	uint64_t link = load_acquire(bucket_of(map, k->hash));
	uint32_t order = key_order(k), left = 64, index;

	while ((index = link_index(link)) && left--) {
		const struct shm_slot *s = slot_at(map, index - 1);

		if (unlikely(!s))
			break;
		/* As ORDER-F2 and ORDER-L1 in table.c. */
		seen->slot = index - 1;
		seen->ctl = load_seq(&s->ctl);
		link = load_acquire(&s->next);
		if (likely(load_relaxed(&s->hash) == order &&
			   load_relaxed(&s->key_tag) == k->tag &&
			   key_equal_short(k->data, s->key, k->len)))
			return s;
	}
	return NULL;
}

#endif
