/* SPDX-License-Identifier: MIT */
/*
 * Claims. A policy may name another key to coordinate on, the claim key. Before
 * a caller leads its own key it leads a flight on the claim key. That flight is
 * taken over like any other, never has a result, and ends with the other one.
 *
 *  CLAIM-1. A caller takes the claim only once nothing else keeps it from
 *      leading its key, and does not wait while it has the claim and not the
 *      lead. If by then another caller leads the key, or has made a result, the
 *      claim goes back. So a claim is held for the work, and for nothing else.
 *  CLAIM-2. That a key has one flight at a time does not depend on claims, and
 *      callers of the key need not name one. A caller leads by a CAS from the
 *      control word that it saw before it took the claim, so it misses nothing
 *      that happened to the key meanwhile.
 *  CLAIM-3. A waiter for a claim sleeps on its key's event as well, and looks
 *      at the key again after each change there. A key without a slot gets one
 *      for that. A flight of the key that begins after the waiter's first look
 *      is one that the waiter has joined.
 *  CLAIM-4. A release of the key wakes one waiter, which must be able to lead
 *      at once. A caller that needs a claim first may not be. So wherever such
 *      a caller sleeps on its key's event, it asks for all to be woken.
 *  CLAIM-5. Such a caller waits for one slot at a time, which its record names:
 *      the claim's while its key is at rest, or has a leader that is dead or
 *      late; else the key's. A new leader of the key wakes it before the work
 *      begins. So each thread has one way out of it in the wait-for graph.
 */
#ifndef SYNC_CLAIM_H
#define SYNC_CLAIM_H

#include "sync/flight.h"

/* Returns the place for the claim's flight beside a public call's flight. */
struct flight *claim_place(const struct flight *f);

/* Whether this call needs a claim before it may lead. */
static inline bool claim_is_due(const struct call *c)
{
	return unlikely(c->claim.flight != NULL) && !c->claim.held;
}

/*
 * Takes the claim that is due, or waits for it, before the caller leads the key
 * that it has seen at rest, or with a leader that is gone. STEP_LEAD: the
 * caller has the claim. STEP_AGAIN: the key may have changed.
 */
enum step claim_wait(struct call *c, const struct sighting *seen);

/* As claim_wait(); STEP_LEAD also if no claim is due. */
static inline enum step claim_take(struct call *c, const struct sighting *seen)
{
	return claim_is_due(c) ? claim_wait(c, seen) : STEP_LEAD;
}

/* Gives back the claim, if the call has it, before any work under it. */
void claim_drop(struct call *c);

/* Returns the flight on the claim key that goes with this one, or NULL. */
struct flight *claim_of(const struct flight *f);

/* Ends the claim beside a flight that has ended. */
void claim_end(struct flight *f);

#endif
