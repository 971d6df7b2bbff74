/* SPDX-License-Identifier: MIT */
/*
 * Keyed locks: a slot of kind SHM_LOCK is held by the leader of its flight,
 * which never has a result.
 *
 * A lock has no value: CTL_HAS is never set, and CTL_CUR has another meaning
 * (LOCK_ORPHANED, O below): a holder ended while it held the lock, and no later
 * holder has given the lock back since. The CAS that ends the dead holder's
 * hold sets the bit, and the CAS that gives the lock back clears it. So the
 * news is never lost or told twice, even if callers die in between. In the
 * table P is the caller, D a dead or leaving holder, x the bit as it was.
 *
 *   IDLE g x    -> BUSY g+1 P x   take it (FLIGHT-T3)
 *   BUSY g P x  -> IDLE g         give it back (FLIGHT-T6)
 *   BUSY g D x  -> BUSY g+1 P O   take it over from the dead (FLIGHT-T7)
 *   BUSY g D x  -> IDLE g O       the dead one's hold is over (FLIGHT-T8)
 */
#ifndef SYNC_LOCK_H
#define SYNC_LOCK_H

#include <sfshm/lock.h>

#include "sync/flight.h"

/* The contents of struct sfshm_lock. */
struct hold {
	struct mapping *map; /* NULL: nothing is held */
	uint64_t life;       /* identifies the holder's attached thread */
	uint64_t cookie;
	uint64_t ctl; /* the BUSY word while the lock is held */
	uint32_t slot;
	uint32_t rank;
} overlay;
OVERLAY_FITS(struct hold, struct sfshm_lock);

static inline struct hold *hold_of(const struct sfshm_lock *lock)
{
	return (struct hold *)(uintptr_t)lock;
}

/*
 * Takes a lock that has a slot and that nobody holds. Returns 0, 1 (its last
 * holder died), or AGAIN: lock_take() must answer.
 */
int lock_take_idle(struct peer *p, const struct key *k, uint32_t rank,
		   struct hold *held);

/*
 * Takes the lock of the call's key; c->lease_or_rank is its rank. Returns 0, 1,
 * MOVED, or an error.
 */
int lock_take(struct call *c, struct hold *held);

/* Gives a lock back that P holds. Returns 0, or -ESTALE. */
int lock_release(struct hold *held, struct peer *p);

/* Whether P holds the lock of that key. */
bool lock_held(struct peer *p, const struct key *k);

#endif
