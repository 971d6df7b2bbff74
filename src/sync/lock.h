/* SPDX-License-Identifier: MIT */
/*
 * Keyed locks: a slot of kind SHM_LOCK is held by whoever leads its flight,
 * which never has a result.
 *
 * A lock has no value: CTL_HAS is never set, and CTL_CUR says something else
 * (LOCK_ORPHANED, O below): somebody ended while holding it, and nobody has
 * given it back since. The very CAS that ends the dead one's hold sets it, and
 * the one that gives the lock back clears it. So nothing is lost, or told
 * twice, whoever dies in between.
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

/* What struct sfshm_lock holds. */
struct hold {
	struct mapping *map; /* NULL: nothing is held */
	uint64_t life;       /* the holder's, as an attached thread */
	uint64_t cookie;
	uint64_t ctl; /* BUSY, for as long as it is held */
	uint32_t slot;
	uint32_t rank;
} overlay;
OVERLAY_FITS(struct hold, struct sfshm_lock);

static inline struct hold *hold_of(const struct sfshm_lock *lock)
{
	return (struct hold *)(uintptr_t)lock;
}

/*
 * Takes a lock that has its slot and nobody holds. 0, 1 (its last holder
 * died), or AGAIN: nothing was done.
 */
int lock_take_idle(struct peer *p, const struct key *k, uint32_t rank,
		   struct hold *held);

/*
 * Takes the lock of the call's key, whose lease is its rank. 0, 1, MOVED, or an
 * error.
 */
int lock_take(struct call *c, struct hold *held);

/* Gives back what P holds. 0, or -ESTALE. */
int lock_release(struct hold *held, struct peer *p);

/*
 * The slot of a lock that P holds: of that key, if it is not NULL, else of
 * that rank. True if there is one.
 */
bool lock_held(struct peer *p, uint32_t rank, const struct key *k,
	       uint32_t *slot);

#endif
