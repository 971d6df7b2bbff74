/* SPDX-License-Identifier: MIT */
/*
 * The control word of a slot: its owner, its phase, its flight's generation.
 *
 *   bits  0..2   phase
 *   bit   3      cur: which field holds the last good value
 *   bit   4      has: the field of cur holds one
 *   bit   5      failed: the other field holds the last failure
 *   bit   6      invalid: the key was invalidated during this flight
 *   bits  7..20  owner: participant id (index + 1), 0: nobody
 *   bits 21..63  generation: grows with each flight; never goes back for a
 *                key, not even when the key leaves and returns; no flight
 *                begins at CTL_GEN_END or above
 *
 * Each transition is one CAS from the exact word that the thread read; those
 * that end a flight also try that word with `invalid` set. g is the generation,
 * P the caller, D a participant that is dead or detaches, L one that lives or
 * may live, x any participant or nobody.
 *
 *  FLIGHT-T1.  FREE g             -> MAKING g' P   claim a slot for a new key;
 *                                                  g' = max(g, floor) + 2
 *  FLIGHT-T2.  MAKING g P         -> BUSY g'' P    linked: the flight is on;
 *                                                  g'' = max(g, floor + 1)
 *  FLIGHT-T3.  IDLE|DONE|FAILED g -> BUSY g+1 P    begin a flight
 *  FLIGHT-T4.  BUSY g P           -> DONE g        publish: cur flips, has is
 *                                                  set
 *  FLIGHT-T5.  BUSY g P           -> FAILED g      fail: the other field tells
 *                                                  why, failed is set; has is
 *                                                  cleared if the field says
 *                                                  that the key is uncacheable
 *  FLIGHT-T6.  BUSY g P           -> IDLE g        release, or no room and no
 *                                                  follower for the result;
 *                                                  DONE g: a lock that is kept
 *                                                  for its waiters
 *  FLIGHT-T7.  MAKING|BUSY g D    -> BUSY g''+1 P  take over from the dead
 *  FLIGHT-T8.  MAKING|BUSY g D    -> IDLE g''      end D's flight
 *  FLIGHT-T9.  MAKING g P|D       -> FREE g        give back: it was not linked
 *  FLIGHT-T10. MAKING|BUSY g L    -> RETIRED g L   steal: L may still write
 *                                                  here, so the key moves to a
 *                                                  new slot
 *  FLIGHT-T11. IDLE|DONE|FAILED g -> RETIRED g     evict, forget, purge, remove
 *  FLIGHT-T12. RETIRED g x        -> LIMBO g x     unlinked; if nobody owns it,
 *                                                  after it was stamped
 *  FLIGHT-T13. RETIRED|LIMBO g L  -> same, nobody  L finds that its flight was
 *                                                  stolen; or, if L is dead,
 *                                                  its reaper does this; in
 *                                                  LIMBO, after it was stamped
 *  FLIGHT-T14. LIMBO g            -> LIMBO g P     the grace period is over: P
 *                                                  frees the memory
 *  FLIGHT-T15. LIMBO g P          -> FREE g        the memory is free
 *  FLIGHT-T16. BUSY g P           -> BUSY g P      has is cleared: P gives up
 *                                                  an old value for want of
 *                                                  room
 *  FLIGHT-T17. BUSY g P           -> BUSY g P      failed is cleared: P is
 *                                                  about to write the other
 *                                                  field
 *  FLIGHT-T18. BUSY g L           -> BUSY g L      invalid is set, by the
 *                                                  invalidator
 *  FLIGHT-T19. BUSY g D           -> FAILED g      end D's flight; D has left
 *                                                  the failure in the other
 *                                                  field
 *  FLIGHT-T20. BUSY g P           -> BUSY g Q      a flight of a process moves
 *                                                  to another record of that
 *                                                  process: sync/move.h
 *
 * A caller that wants the result or the lead treats MAKING as BUSY. An
 * invalidator leaves a slot in the making alone.
 *
 * A thread reads the floor again once a slot is linked (FLIGHT-T2, FLIGHT-T7,
 * FLIGHT-T8): while the slot was in the making, the key may have come and gone
 * in another slot. A linked key is in no other slot. So g'' differs from g only
 * for a slot in the making.
 *
 * Only the owner of a BUSY slot may write the other field (not cur), and only
 * while `failed` is not set. Nobody writes the bytes of cur's field while `has`
 * is set; an invalidator may end its lifetime, and a reader that pins it sets a
 * hint there. So the last good value stays whole during a flight, and a leader
 * that dies half-way has changed nothing that is visible. The last failure
 * stays whole, too, until the next flight has a result: all callers that waited
 * for the failed flight can read it, however soon another flight begins.
 *
 * A transition keeps `cur`, `has` and `failed` unless it names them; but
 * FLIGHT-T2 sets `cur`, so that the first value goes to the field inside the
 * slot, and FLIGHT-T15 clears all three. Only FLIGHT-T16, FLIGHT-T17 and
 * FLIGHT-T20 keep `invalid`; FLIGHT-T4 to FLIGHT-T8 and FLIGHT-T19 accept a
 * word with or without it, and clear it. If it was set, FLIGHT-T4 and FLIGHT-T5
 * give their result no lifetime.
 *
 * A lock has no results, and uses `cur` and `failed` for other marks; it has
 * transitions of its own, too: see sync/lock.h.
 *
 * FLIGHT-T1 raises the generation by 2 so that no reader takes a slot's next
 * life for the next flight.
 */
#ifndef STORE_CTL_H
#define STORE_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "os/atomics.h"

enum phase {
	PHASE_FREE,
	PHASE_MAKING,
	PHASE_BUSY,
	PHASE_IDLE,
	PHASE_DONE,
	PHASE_FAILED,
	PHASE_RETIRED,
	PHASE_LIMBO,
};

#define CTL_PHASE UINT64_C(7)
#define CTL_CUR (UINT64_C(1) << 3)
#define CTL_HAS (UINT64_C(1) << 4)
#define CTL_FAILED (UINT64_C(1) << 5)
#define CTL_INVALID (UINT64_C(1) << 6)
/* The bits that outlast a flight. */
#define CTL_FIELDS (CTL_CUR | CTL_HAS | CTL_FAILED)
#define CTL_OWNER_SHIFT 7
#define CTL_OWNER_MASK UINT64_C(0x3fff)
#define CTL_GEN_SHIFT 21

/*
 * FLIGHT-T1, FLIGHT-T3 and FLIGHT-T7 refuse to reach this generation, so that
 * no word ever wraps. The generations from here on are room for slots in the
 * making: FLIGHT-T2 and FLIGHT-T8 use the floor + 1, and each slot in the
 * making may raise the floor by one.
 */
#define CTL_GEN_END ((UINT64_C(1) << (64 - CTL_GEN_SHIFT)) - (1u << 16))

/*
 * A lock has no value, so in its control word this bit has another meaning: a
 * holder ended while it had the lock, and no holder has given the lock back
 * since. See sync/lock.h.
 */
#define LOCK_ORPHANED CTL_CUR

/*
 * For the same reason this bit of a lock's control word says that other threads
 * may hold the lock shared. See store/sharers.h.
 */
#define LOCK_SHARED CTL_FAILED

/* The phase of a lock given back for one of its waiters. See sync/lock.h. */
#define LOCK_KEPT PHASE_DONE

static inline enum phase ctl_phase(uint64_t c)
{
	return (enum phase)(c & CTL_PHASE);
}

static inline unsigned int ctl_cur(uint64_t c)
{
	return (c & CTL_CUR) != 0;
}

static inline bool ctl_has(uint64_t c)
{
	return c & CTL_HAS;
}

static inline bool ctl_failed(uint64_t c)
{
	return c & CTL_FAILED;
}

static inline bool ctl_invalid(uint64_t c)
{
	return c & CTL_INVALID;
}

static inline uint32_t ctl_owner(uint64_t c)
{
	return (uint32_t)((c >> CTL_OWNER_SHIFT) & CTL_OWNER_MASK);
}

static inline uint64_t ctl_gen(uint64_t c)
{
	return c >> CTL_GEN_SHIFT;
}

static inline uint64_t ctl_make(uint64_t gen, uint32_t owner, enum phase phase,
				uint64_t fields)
{
	return gen << CTL_GEN_SHIFT | (uint64_t)owner << CTL_OWNER_SHIFT |
	       (fields & CTL_FIELDS) | (uint64_t)phase;
}

/* `c` with another phase and owner. */
static inline uint64_t ctl_with(uint64_t c, enum phase phase, uint32_t owner)
{
	return ctl_make(ctl_gen(c), owner, phase, c);
}

/* `c` with another owner, and nothing else changed. */
static inline uint64_t ctl_owned_by(uint64_t c, uint32_t owner)
{
	return (c & ~(CTL_OWNER_MASK << CTL_OWNER_SHIFT)) |
	       (uint64_t)owner << CTL_OWNER_SHIFT;
}

/*
 * Ends the flight of `from` by a CAS. Tries again if FLIGHT-T18 has set
 * `invalid` since the caller read the word.
 */
static inline bool ctl_end(uint64_t *ctl, uint64_t from, uint64_t to)
{
	return cas_seq(ctl, from, to) ||
	       (!ctl_invalid(from) && cas_seq(ctl, from | CTL_INVALID, to));
}

/* Whether a flight is under way; a slot in the making counts as BUSY. */
static inline bool ctl_busy(uint64_t c)
{
	return ctl_phase(c) == PHASE_BUSY || ctl_phase(c) == PHASE_MAKING;
}

/* Whether nobody owns the slot: a flight may begin, or an evictor take it. */
static inline bool ctl_at_rest(uint64_t c)
{
	enum phase p = ctl_phase(c);

	return p == PHASE_IDLE || p == PHASE_DONE || p == PHASE_FAILED;
}

/*
 * Whether a copy of cur's field is whole: the word was `before` when the copy
 * began, and `after` when it ended. One flight has to flip cur away from a
 * field before the next flight may write that field. So the copy is whole if
 * cur is the same, no flight gave the value up, and no flight began, or only
 * one that is still BUSY. (If that one has ended, cur may have flipped twice.)
 * In limbo the memory may be freed at any moment.
 */
static inline bool ctl_copy_whole(uint64_t before, uint64_t after)
{
	uint64_t passed = ctl_gen(after) - ctl_gen(before);

	if (likely(before == after))
		return true;
	if ((before ^ after) & (CTL_CUR | CTL_HAS) ||
	    ctl_phase(after) == PHASE_LIMBO || ctl_phase(after) == PHASE_FREE)
		return false;
	return passed == 0 || (passed == 1 && ctl_phase(after) == PHASE_BUSY);
}

#endif
