/* SPDX-License-Identifier: MIT */
/*
 * Keyed locks. A lock is a slot of kind SHM_LOCK. Its holder is the leader of
 * the slot's flight; such a flight never has a result.
 *
 * A lock has no value: CTL_HAS is never set, and CTL_CUR stands for
 * LOCK_ORPHANED (O below): a holder ended while it held the lock, and no later
 * holder has given the lock back since. The CAS that ends the dead holder's
 * hold sets the bit, and the CAS that gives the lock back clears it. So each
 * holder learns of the death until one gives the lock back, and none after
 * that, even if callers die in between. CTL_FAILED stands for LOCK_SHARED (S):
 * threads may hold the lock shared (store/sharers.h). A sharer learns of a
 * death, too, but clears no bit, because it only reads what the lock protects.
 * In the table P is the caller, D a dead or leaving holder, x and s the bits O
 * and S, unchanged.
 *
 *   IDLE g x    -> BUSY g+1 P x   take it (FLIGHT-T3)
 *   KEPT g x    -> BUSY g+1 P x   take it, as LOCK-3 allows (FLIGHT-T3)
 *   BUSY g P x  -> IDLE g         give it back (FLIGHT-T6)
 *   BUSY g P x  -> KEPT g         give it back for a waiter (FLIGHT-T6)
 *   BUSY g P x  -> BUSY g Q x     a lock of the process moves (FLIGHT-T20)
 *   BUSY g D x  -> BUSY g+1 P O   take it over from the dead (FLIGHT-T7)
 *   BUSY g D x  -> IDLE g O       end the dead holder's hold (FLIGHT-T8)
 *
 *   IDLE g x s     -> IDLE g x S     take it shared: SHARE-2
 *   KEPT g x s     -> IDLE g x S     the same, as LOCK-3 allows
 *   BUSY g P x s   -> IDLE g x S     the same, for a lock just made, or taken
 *                                    over from the dead
 *   IDLE|KEPT g x S -> BUSY g+1 P x S  drain it: SHARE-3 (FLIGHT-T3)
 *   BUSY g P x S   -> BUSY g P x     hold it: nobody shares it any more
 *   BUSY g P x S   -> IDLE|KEPT g x S  give up draining it; O is set if P has
 *                                    learned of a death in the predecessor
 *   BUSY g D x S   -> BUSY g+1 P x S drain it in the place of the dead
 *                                    (FLIGHT-T7)
 *   BUSY g D x S   -> IDLE g x S     D was draining it (FLIGHT-T8)
 *   IDLE g x S     -> KEPT g+1 x S   evict it next (SHARE-5)
 *   IDLE g x s     -> KEPT g+1 x s   let its waiters go first (LOCK-2)
 *
 * A thread that gives a lock back and takes it again at once is faster than the
 * waiter that it has woken: it bypasses the waiter. Each bypass saves a context
 * switch, but too many of them starve the waiter. The phase KEPT bounds their
 * number, however late the waiter runs.
 *
 *  LOCK-1. `bypassed` counts holds, shared or not. A new holder adds 1 to a
 *      count below LOCK_BYPASSES, if a waiter is announced or the count is not
 *      0; it sets the count to 0 if it has waited itself. A wake takes the
 *      announcement of a polled wait away, so a call that parks (CALL_PARKS of
 *      sync/call.h) sets a count of 0 to 1. (A holder that has waited may set
 *      the count to 0 just after a call has parked. Then the count lacks this
 *      hold; it has the next hold for which the call must park.) SHARE-6 has
 *      the only other writer; the maker of the slot sets the count to 0.
 *  LOCK-2. A holder that finds the count at LOCK_BYPASSES gives the lock back
 *      as KEPT. A sharer does not. Instead, if a caller wants to hold the lock
 *      shared, and finds the count at LOCK_BYPASSES, it makes the lock KEPT,
 *      unless it has waited or must not wait.
 *  LOCK-3. A caller takes a KEPT lock in three cases: it was already waiting
 *      when the lock became KEPT; it must not wait, because it only tries, or
 *      its wait is over; or it has deferred for LOCK_DEFER_NS in this call.
 *      Any other caller defers: it sleeps as a waiter, or parks, for
 *      LOCK_DEFER_NS at most.
 *
 * So at most LOCK_BYPASSES holds bypass a waiter before some waiter gets the
 * lock. This bound does not count the holds of callers that only try. If the
 * woken waiter does not come within LOCK_DEFER_NS, one caller that has deferred
 * gets the lock before it. Among waiters there is no order.
 *
 * A writer that may sleep, and finds a lock held shared, does not wait to be
 * woken: it makes the slot BUSY at once, so no later sharer gets the lock
 * before the writer. (For a writer that parks, see SHARE-6.) A waiter that
 * takes the lock shared wakes all others, so that they share it, too.
 *
 *   the holder dies              FLIGHT-T7 and FLIGHT-T8 leave the count: if it
 *                                is at LOCK_BYPASSES, the next hold to end
 *                                leaves the lock KEPT
 *   the waiters die or stop,     each caller that comes defers once; the first
 *     or have left (the count    whose time is over takes the lock and, as it
 *     is too high: legal)        has waited, sets the count to 0
 *   a caller dies as it defers   the others defer for no longer than before
 *   the maker of the slot dies   the count is 0 before the slot is linked
 */
#ifndef SYNC_LOCK_H
#define SYNC_LOCK_H

#include <sfshm/lock.h>

#include "sync/flight.h"

#define LOCK_BYPASSES 16
#define LOCK_DEFER_NS (2 * NS_PER_MS)

/*
 * Whether the owner in the control word held the lock. False also if it was
 * making the lock's slot, or draining the lock: it has changed nothing that the
 * lock protects, so its death concerns nobody.
 */
static force_inline bool lock_had_holder(uint64_t ctl)
{
	return ctl_phase(ctl) == PHASE_BUSY && !(ctl & LOCK_SHARED);
}

/* LOCK-1, for the new holder of a lock. `awaited`: a waiter is announced. */
static force_inline void lock_count(struct shm_desk *cold, bool awaited)
{
	uint32_t n = load_relaxed(&cold->bypassed);

	if (unlikely(awaited || n) && n < LOCK_BYPASSES)
		store_relaxed(&cold->bypassed, n + 1);
}

/* The contents of struct sfshm_lock. */
struct hold {
	struct mapping *map; /* NULL: nothing is held */
	uint64_t life;       /* identifies the holder's attached thread; or an
				entry: see sync/detached.h */
	uint64_t cookie;
	uint64_t ctl;   /* the BUSY word while the lock is held; if shared, the
			 word seen or set as it was taken, of which only the
			 generation counts */
	uint32_t *word; /* SHARE-1: held shared; NULL: held alone */
	uint32_t slot;
	uint32_t rank;
	uint64_t serial; /* of the mapping, if the lock is its process's */
} overlay;
OVERLAY_FITS(struct hold, struct sfshm_lock);

static inline struct hold *hold_of(const struct sfshm_lock *lock)
{
	return (struct hold *)(uintptr_t)lock;
}

/* Fills in a hold. `word`: of a shared hold, as in struct hold; or NULL. */
static force_inline void lock_fill_hold(struct hold *held, struct peer *p,
					const struct sighting *seen,
					uint32_t rank, uint32_t *word)
{
	held->map = p->map;
	held->life = p->life;
	held->cookie = p->cookie;
	held->ctl = seen->ctl;
	held->word = word;
	held->slot = seen->slot;
	held->rank = rank;
}

/*
 * Takes a lock that has a slot and that nobody holds. Returns 0, 1 (its last
 * holder died), or AGAIN: lock_take() must answer.
 */
int lock_take_idle(struct peer *p, const struct key *k, uint32_t rank,
		   struct hold *held);

/* The same, to hold the lock shared; others may hold it so already. */
int lock_share_idle(struct peer *p, const struct key *k, uint32_t rank,
		    struct hold *held);

/*
 * Takes the lock of the call's key: alone if c->shares is NULL, shared if it is
 * `held`. c->lease_or_rank is the lock's rank. Returns 0, 1, MOVED, or an
 * error.
 */
int lock_take(struct call *c, struct hold *held);

/* SHARE-4: gives a lock back that is held shared. */
void lock_unshare(struct hold *held);

/* Gives a lock back that P holds alone. Returns 0, or -ESTALE. */
int lock_release(struct hold *held, struct peer *p);

/*
 * Makes a lock that P has just taken, alone, one of its process. `number` is
 * the entry that is to list it.
 */
void lock_detach(struct hold *held, struct peer *p, uint64_t number);

/* Whether any thread of the process may give the lock back. */
static inline bool lock_of_process(const struct hold *held)
{
	return (int64_t)load_relaxed(&held->life) > 0;
}

/*
 * FLIGHT-T20: makes P the holder of a lock of its process, and gives the lock
 * back. The caller has claimed the lock's entry. Returns 0 or -ESTALE: the
 * process has lost the lock.
 */
int lock_release_here(struct hold *held, struct peer *p);

/*
 * Whether P holds the lock of that key, shared or not. A lock of its process
 * does not count.
 */
bool lock_held(struct peer *p, const struct key *k);

#endif
