/* SPDX-License-Identifier: MIT */
/*
 * The control word of a slot: who owns it, in which phase, which flight.
 *
 *   bits  0..2   phase
 *   bit   3      cur: which field holds the last good value
 *   bit   4      has: that field holds one
 *   bits  5..6   0
 *   bits  7..20  owner: participant id (index + 1), 0: nobody
 *   bits 21..63  generation: grows with each flight; never goes back for a
 *                key, not even when the key leaves and returns; no flight
 *                begins at CTL_GEN_END or above
 *
 * Transitions, each one CAS from the exact word that was looked at. g is the
 * generation, P the caller, D a dead participant, L one that lives
 * or may.
 *
 *  FLIGHT-T1.  FREE g             -> MAKING g' P   claim a slot for a new key;
 *                                                  g' = max(g, floor) + 2
 *  FLIGHT-T2.  MAKING g P         -> BUSY g'' P    linked: the flight is on;
 *                                                  g'' = max(g, floor + 1)
 *  FLIGHT-T3.  IDLE|DONE|FAILED g -> BUSY g+1 P    begin a flight
 *  FLIGHT-T4.  BUSY g P           -> DONE g        publish: cur flips, has is
 *                                                  set
 *  FLIGHT-T5.  BUSY g P           -> FAILED g      fail: the other field tells
 *                                                  why; has is cleared if it
 *                                                  says that the key is
 *                                                  uncacheable
 *  FLIGHT-T6.  BUSY g P           -> IDLE g        release
 *  FLIGHT-T7.  MAKING|BUSY g D    -> BUSY g''+1 P  take over from the dead
 *  FLIGHT-T8.  MAKING|BUSY g D    -> IDLE g''      the dead one's flight is
 *                                                  over
 *  FLIGHT-T9.  MAKING g D         -> FREE g        reap, it was never linked
 *  FLIGHT-T10. MAKING|BUSY g L    -> RETIRED g L   steal: L may still write
 *                                                  here, so the key moves to a
 *                                                  new slot
 *  FLIGHT-T11. IDLE|DONE|FAILED g -> RETIRED g     evict, forget, purge
 *  FLIGHT-T12. RETIRED g x        -> LIMBO g x     unlinked; if nobody owns it
 *                                                  the epoch was noted before
 *  FLIGHT-T13. RETIRED|LIMBO g L  -> same, nobody  L learns that it was stolen
 *                                                  from, or is dead; in LIMBO
 *                                                  the epoch was noted before
 *  FLIGHT-T14. LIMBO g            -> LIMBO g P     grace period over: free
 *                                                  memory
 *  FLIGHT-T15. LIMBO g P          -> FREE g        done
 *  FLIGHT-T16. BUSY g P           -> BUSY g P      has is cleared: P gives up
 *                                                  an old value for want of
 *                                                  room
 *
 * To everybody but a reaper MAKING is BUSY.
 *
 * The floor is looked at again once a slot is linked (FLIGHT-T2, FLIGHT-T7,
 * FLIGHT-T8): while its maker was on its way, the key may have come and gone
 * elsewhere. Once linked it is nowhere else. So g'' differs from g for a slot
 * in the making only.
 *
 * What the other field (not cur) may be written by: the owner in BUSY. What
 * cur's field may be written by, while has is set: nobody. So the last good
 * value stays whole while a flight is on, and a leader that dies half-way has
 * changed nothing that is visible. FLIGHT-T1 grows the generation by 2 so that
 * no reader takes a slot's next life for the next flight.
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

#define CTL_CUR (UINT64_C(1) << 3)
#define CTL_HAS (UINT64_C(1) << 4)
#define CTL_OWNER_SHIFT 7
#define CTL_OWNER_MASK UINT64_C(0x3fff)
#define CTL_GEN_SHIFT 21

/*
 * FLIGHT-T1, FLIGHT-T3 and FLIGHT-T7 refuse to reach this generation, so that
 * no word ever wraps. The rest is for slots in the making: FLIGHT-T2 and
 * FLIGHT-T8 add one to the floor, which other slots in the making may have
 * raised that far, one step each.
 */
#define CTL_GEN_END ((UINT64_C(1) << (64 - CTL_GEN_SHIFT)) - (1u << 16))

/*
 * Of a lock, which has no value: somebody ended while holding it, and nobody
 * has given it back since. See sync/lock.h.
 */
#define LOCK_ORPHANED CTL_CUR

static inline enum phase ctl_phase(uint64_t c)
{
	return (enum phase)(c & 7);
}

static inline unsigned int ctl_cur(uint64_t c)
{
	return (c & CTL_CUR) != 0;
}

static inline bool ctl_has(uint64_t c)
{
	return c & CTL_HAS;
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
				uint64_t value_bits)
{
	return gen << CTL_GEN_SHIFT | (uint64_t)owner << CTL_OWNER_SHIFT |
	       (value_bits & (CTL_CUR | CTL_HAS)) | (uint64_t)phase;
}

/* The same word with another phase and owner. */
static inline uint64_t ctl_with(uint64_t c, enum phase phase, uint32_t owner)
{
	return ctl_make(ctl_gen(c), owner, phase, c);
}

/* A flight is on: MAKING is BUSY to everybody but the reaper. */
static inline bool ctl_busy(uint64_t c)
{
	return ctl_phase(c) == PHASE_BUSY || ctl_phase(c) == PHASE_MAKING;
}

/* Nobody owns it and a flight may begin, or the slot be evicted. */
static inline bool ctl_at_rest(uint64_t c)
{
	enum phase p = ctl_phase(c);

	return p == PHASE_IDLE || p == PHASE_DONE || p == PHASE_FAILED;
}

/*
 * May a copy of cur's field, begun when the word was `before`, be whole when
 * it is `after`? The field is first written by the flight after the one that
 * flips away from it; a flight flips once at most. So: no flip, no value given
 * up, and at most the begin of one more flight. In limbo the memory may be
 * freed any moment.
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
