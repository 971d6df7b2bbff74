/* SPDX-License-Identifier: MIT */
/*
 * Tagging: the tags that a value carries, and what makes all values of a tag
 * stale at once.
 *
 * The segment has a clock, which counts the invalidations of all tags, and a
 * table of words. A tag's hash chooses the tag's word. In front of its bytes, a
 * value with tags has a head (struct shm_tagging): the tags, and a stamp, which
 * is what the clock showed when the value's flight began. A reader compares the
 * stamp with the words of the tags, and so writes nothing.
 *
 * Invariants:
 *
 *  TAGGING-1. The clock and each word only grow, and no word is ahead of the
 *      clock. Once an invalidation has returned, its tag's word is at least the
 *      number that the invalidation got from the clock.
 *  TAGGING-2. A flight's leader reads the clock as the flight begins, before
 *      its work. So if an invalidation's number is at most the stamp, the work
 *      saw what the invalidator had changed before its call.
 *  TAGGING-3. A value is outdated if the word of one of its tags is above its
 *      stamp. By TAGGING-1 it then stays outdated. If an invalidation of one of
 *      its tags has a number above the stamp, the value is outdated by the time
 *      that invalidation returns. Tags that share a word outdate each other's
 *      values: too many are stale, never too few.
 *  TAGGING-4. A follower reads the clock as it begins to wait. An outdated
 *      value is the result of its wait only if that time is not above the
 *      stamp: then no tag was invalidated between the flight's begin and the
 *      wait's begin. A later invalidation does not concern this caller.
 *  TAGGING-5. Words and clocks of two segments have nothing to do with each
 *      other. A mover, which copies a value from a predecessor to its
 *      successor, reads the successor's clock, which gives the value its stamp
 *      there. Then the mover looks at the value in the predecessor, and leaves
 *      it behind if it is outdated. An invalidator raises the predecessor's
 *      word first, then the successor's. So it raises the predecessor's word
 *      before the mover's look, or its number in the successor is above the
 *      stamp. If an invalidator has raised a word and then finds no successor,
 *      the raise comes before any mover's look.
 *
 * The life of a value with tags, w being the highest word of its tags:
 *
 *   event                         before                  after
 *   a flight begins               clock c                 stamp is c
 *   invalidated in the flight     w <= stamp              w > stamp
 *   published                     w <= stamp              fresh
 *   published                     w > stamp               outdated; the
 *                                                         publish says so
 *   invalidated later             fresh                   outdated
 *   renewed (sfshm_touch())       fresh or outdated       a new flight's value
 *                                                         with the same tags
 *   its lifetime ends             fresh or outdated       past its lifetime
 *
 * An outdated value serves callers that take stale values, as a value past its
 * lifetime does. Nobody notes when it became outdated.
 *
 * If an invalidator dies after it has got its number, but before it raises the
 * word, it has not returned, and the number has no effect. If it stops at that
 * point, it raises the word later, to a number that is low by then: values of
 * flights that began meanwhile stay fresh, as TAGGING-2 allows. If two
 * invalidators raise one word, the word keeps the higher number, whichever of
 * them comes first.
 */
#ifndef STORE_TAGGING_H
#define STORE_TAGGING_H

#include "os/hash.h"
#include "store/arena.h"
#include "store/slot.h"

/* A tag's hash, never 0. The same in each segment: a resize moves hashes. */
static inline uint64_t tagging_hash(const void *tag, size_t len)
{
	uint64_t hash = hash_bytes(tag, len, 0);

	return hash ? hash : 1;
}

static inline uint64_t *tagging_word(const struct mapping *map, uint64_t tag)
{
	return &map->tag_words[tag % SHM_TAG_WORDS];
}

static inline uint64_t tagging_clock(const struct mapping *map)
{
	/*
	 * ORDER-T2 pairs ORDER-T1
	 * From here on the caller sees what each invalidator that the clock has
	 * counted changed before its call.
	 */
	return load_acquire(&map->header->tag_clock);
}

/* TAGGING-3, for a head that the caller has copied. */
static inline bool tagging_is_outdated(const struct mapping *map,
				       const struct shm_tagging *t)
{
	for (int i = 0; i < SHM_TAGS && t->tag[i]; i++)
		if (load_acquire(tagging_word(map, t->tag[i])) > t->stamp)
			return true;
	return false;
}

/* Whether a value carries tags; `when` is its front's. */
static inline bool tagging_in(uint64_t when)
{
	return (when & WHEN_SMALL) == WHEN_TAGGED;
}

/*
 * Copies the head of a field that carries tags. The copy may be torn, as with
 * arena_read(). Returns 0 or -EBADMSG.
 */
static inline int tagging_read(const struct mapping *map, uint32_t ref,
			       struct shm_tagging *t)
{
	return arena_read(map, arena_head(ref), t, sizeof(*t));
}

/* Whether the current value of a slot that was seen as `ctl` is outdated. */
bool tagging_outdates(const struct mapping *map, uint32_t slot, uint64_t ctl);

/*
 * Adds a tag to a head. Returns 0, also if the head has the tag already; or
 * -ENOSPC: the head is full.
 */
int tagging_add(struct shm_tagging *t, uint64_t tag);

/* Makes all values of the tag outdated in this segment. */
void tagging_invalidate(struct mapping *map, uint64_t tag);

#endif
