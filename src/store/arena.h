/* SPDX-License-Identifier: MIT */
/*
 * Value memory: granules of 64 bytes, chained.
 *
 * A chain holds bytes: a value, an error's message, a long key. Any free
 * granule can be part of any chain, so memory cannot fragment; a chain is a run
 * of neighbours where possible. Each granule has a tag, in a table of
 * tags:
 *
 *   FREE    0
 *   OWNED   participant id, its incarnation, next
 *   LIVE    slot + 1, next
 *   ORPHAN  a stamp, next; only its pins keep it (store/pin.h)
 *
 * Invariants, with P a participant:
 *
 *  ARENA-1. P claims a granule by one CAS of its tag from FREE to OWNED by P.
 *  ARENA-2. A chain belongs to the participant or slot that its head's tag
 *      names. One store of that tag hands the chain over: P's to a slot
 *      (publish), or a slot's to P (free).
 *  ARENA-3. A granule OWNED by P's incarnation is reached from P's record: it
 *      is in the chain `build` or `doomed`, or it is `build_pending` or
 *      `doomed_pending`. Only P writes its own name into a tag. So once P is
 *      dead, a granule is P's if P's record names it and its tag names P.
 *  ARENA-4. A slot's reference is valid only if the tag of the granule that it
 *      leads to names that slot.
 *  ARENA-5. A slot's reference has SHM_RUN if its chain is a run: two or more
 *      neighbours in ascending order, none of them inside a slot. The links of
 *      a chain do not change after it was handed over, so a run stays one. A
 *      reader copies a run in one go, and looks at two of its tags: the second
 *      granule's and the last one's name the same owner, and the last one's
 *      ends the chain. So a damaged length or reference leads to no bytes
 *      beyond the chain's. (The first granule's tag tells less: it is another
 *      one if the chain is an orphan.)
 *
 *  ARENA-6. A chain of several granules takes one free run if there is one: of
 *      memory that P knows to be free, then of memory that was never in use.
 *      Else it takes up to about ARENA_PIECES free runs, each as long as that
 *      number allows; shorter ones are left for shorter values. Then P evicts,
 *      and takes what comes free. Homes (the granules inside slots) come last,
 *      unless the chain is short, or most memory is in homes, or what came free
 *      was homes. If nothing can be evicted, the chain takes every granule that
 *      is free, so memory still cannot fragment.
 *
 * So a death at any instruction leaks nothing: the reaper frees the granules of
 * ARENA-3, and the slot's next leader drops a reference that is not valid
 * (ARENA-4).
 *
 * Readers write no tag: they copy, and validate the copy by the control word.
 */
#ifndef STORE_ARENA_H
#define STORE_ARENA_H

#include <errno.h>
#include <sys/uio.h>

#include "peer/participant.h"

#define ARENA_PIECES 8 /* see ARENA-6 */

#define TAG_NEXT_MASK UINT64_C(0xfffffff)
#define TAG_WHO_SHIFT 28
#define TAG_INC_SHIFT 42
#define TAG_INC_MASK UINT64_C(0xfffff)
#define TAG_OWNED (UINT64_C(1) << 62)
#define TAG_LIVE (UINT64_C(2) << 62)
#define TAG_ORPHAN (UINT64_C(3) << 62)
#define TAG_STAMP_MASK ((UINT64_C(1) << 34) - 1)
#define TAG_STATE (UINT64_C(3) << 62)

static inline uint32_t tag_next(uint64_t tag)
{
	return (uint32_t)(tag & TAG_NEXT_MASK);
}

static inline uint64_t tag_owned(const struct peer *p, uint32_t next)
{
	return TAG_OWNED |
	       ((uint64_t)p->incarnation & TAG_INC_MASK) << TAG_INC_SHIFT |
	       (uint64_t)p->id << TAG_WHO_SHIFT | next;
}

static inline uint64_t tag_live(uint32_t slot, uint32_t next)
{
	return TAG_LIVE | (uint64_t)(slot + 1) << TAG_WHO_SHIFT | next;
}

static inline bool tag_names(uint64_t a, uint64_t b)
{
	return ((a ^ b) & ~TAG_NEXT_MASK) == 0;
}

static inline uint32_t granules_for(uint64_t len)
{
	return (uint32_t)((len + SHM_GRANULE - 1) / SHM_GRANULE);
}

/* The head of the chain that a slot's reference leads to. */
static inline uint32_t arena_head(uint32_t ref)
{
	return ref & ~SHM_RUN;
}

/* The tag of granule `ref` (index + 1); NULL if there is no such granule. */
static inline uint64_t *tag_at(const struct mapping *map, uint32_t ref)
{
	return likely(ref && granule_in_use(map, ref - 1)) ?
		       &map->tags[ref - 1] :
		       NULL;
}

/*
 * Builds a chain of `count` granules, owned by P: stores its head to *ref and
 * keeps it in record->build until arena_hand_over(). Evicts to make room.
 * Returns 0, or -ENOSPC and keeps nothing.
 */
int arena_build(struct peer *p, uint32_t count, uint32_t *ref);

/*
 * arena_build() of one granule for `slot`: preferably the one inside the slot,
 * so that a look-up fetches both in one go.
 */
int arena_build_one(struct peer *p, uint32_t slot, uint32_t *ref);

/*
 * arena_build() from the spare granules, for a result that fits nowhere else
 * and goes to the followers at once.
 */
int arena_build_spare(struct peer *p, uint32_t count, uint32_t *ref);

/*
 * Hands the built chain to `slot`: stores the reference to *anchor, a word of
 * that slot which P may write, then changes the tags, the head's last.
 */
void arena_hand_over(struct peer *p, uint32_t slot, uint32_t *anchor);

/*
 * Frees the chain that *anchor names, if the chain belongs to `slot` (ARENA-4).
 * Zeroes *anchor, a word of that slot which P may write.
 */
void arena_free(struct peer *p, uint32_t slot, uint32_t *anchor);

/* Frees the chains that the record's owner built or was freeing. Idempotent. */
void arena_sweep(struct peer *victim);

/* Whether the chain that the slot's `ref` leads to is the slot's (ARENA-4). */
static inline bool arena_is_live(const struct mapping *map, uint32_t slot,
				 uint32_t ref)
{
	uint64_t *tag = tag_at(map, arena_head(ref));

	/* ORDER-A4 pairs ORDER-A3 */
	return tag && tag_names(load_acquire(tag), tag_live(slot, 0));
}

/* Whether granule `ref` (index + 1) is the one inside the slot. */
static inline bool arena_is_inline(const struct mapping *map, uint32_t slot,
				   uint32_t ref)
{
	return ref == slot + 1 && slot < map->inline_granules;
}

/* Whether the chain that `ref` leads to is made of spare granules. */
static inline bool arena_is_spare(const struct mapping *map, uint32_t ref)
{
	return arena_head(ref) > map->geometry.granules - map->geometry.spare;
}

/*
 * Copies bytes into the chain that a slot's `ref` leads to, `skip` bytes (fewer
 * than a granule has) after its beginning; -EBADMSG if the chain is too short
 * or broken.
 */
int arena_write_long(const struct mapping *map, uint32_t ref, uint32_t skip,
		     const struct iovec *iov, int count);

static inline int arena_write(const struct mapping *map, uint32_t ref,
			      const struct iovec *iov, int count)
{
	if (unlikely(count != 1 || iov->iov_len > SHM_GRANULE))
		return arena_write_long(map, ref, 0, iov, count);
	if (unlikely(!tag_at(map, ref)))
		return -EBADMSG;
	copy_torn(granule_at(map, ref - 1), iov->iov_base, iov->iov_len);
	return 0;
}

/*
 * Copies `len` bytes out of a chain, from `skip` bytes (fewer than a granule
 * has) after its beginning. The copy may be torn: the caller validates it, and
 * may then use it. The compiler cannot read the chain again instead of the
 * copy.
 */
int arena_read_long(const struct mapping *map, uint32_t ref, uint32_t skip,
		    void *to, uint64_t len);

/* The same from the beginning of the chain. */
static inline int arena_read(const struct mapping *map, uint32_t ref, void *to,
			     uint64_t len)
{
	if (unlikely(len > SHM_GRANULE))
		return arena_read_long(map, ref, 0, to, len);
	if (unlikely(len && (!ref || !granule_in_use(map, ref - 1))))
		return -EBADMSG;
	copy_torn(to, granule_at(map, ref - 1), len);
	compiler_barrier();
	return 0;
}

/*
 * Makes an orphan of a slot's chain with head `ref`, which P may free (PIN-2).
 */
void arena_orphan(struct peer *p, uint32_t ref);

/* The tag of the orphan with head `ref`, or 0 if it is no orphan. */
uint64_t arena_orphan_tag(const struct mapping *map, uint32_t ref);

/*
 * Frees the orphan with head `ref`, which record->doomed names (PIN-3), if its
 * tag still is `tag`.
 */
void arena_adopt(struct peer *p, uint32_t ref, uint64_t tag);

/*
 * Finds where `len` bytes of a chain are, from `offset` on, in up to `max`
 * pieces. Returns how many, or -EBADMSG.
 */
int arena_pieces(const struct mapping *map, uint32_t ref, uint64_t offset,
		 uint64_t len, struct iovec *iov, int max);

/*
 * Evicts values to make room, of `granules` granules if possible. Returns 0 or
 * -ENOSPC. top/fork.c sets the pointer, because the evictor uses the arena.
 */
typedef int (*arena_reclaim_fn)(struct peer *p, uint32_t granules);
extern arena_reclaim_fn arena_reclaim;

/*
 * Frees what P has removed and nobody reads any more, and waits for nobody.
 * top/fork.c sets this pointer, too.
 */
typedef void (*arena_harvest_fn)(struct peer *p);
extern arena_harvest_fn arena_harvest;

#endif
