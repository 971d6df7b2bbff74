/* SPDX-License-Identifier: MIT */
/*
 * Claims. A policy may name a second key to coordinate on, the claim key.
 * Before a caller leads its own key, it leads a flight on the claim key: the
 * claim. The claim never has a result, and ends with the flight on the caller's
 * own key. If its leader dies, it is taken over like any flight.
 *
 *  CLAIM-1. A caller takes the claim only when nothing else keeps it from
 *      leading its key. While it has the claim and does not lead, it does not
 *      wait. If another caller has become the key's leader meanwhile, or has
 *      made a result, the caller gives the claim back. So a claim is held only
 *      for the work.
 *  CLAIM-2. A key has one flight at a time with or without claims, and other
 *      callers of the key need not name a claim key. A caller leads by a CAS
 *      from the control word that it saw before it took the claim. So the CAS
 *      fails if anything has happened to the key meanwhile.
 *  CLAIM-3. A waiter for a claim also sleeps on the event of its own key, and
 *      looks at that key again after each change of the event. A key without a
 *      slot gets one for this. If a flight of the key begins after the waiter's
 *      first look, the waiter takes that flight's result as its answer.
 *  CLAIM-4. A release of the key wakes one waiter, which must be able to lead
 *      at once. A waiter that needs a claim first may not be able to. So if
 *      such a waiter sleeps on its key's event, it asks that each wake there
 *      reach all waiters.
 *  CLAIM-5. A caller that needs a claim waits for one slot at a time, and its
 *      record names that slot. While its key is at rest, or has a leader that
 *      is dead or overdue, it waits for the claim's slot; else for the key's
 *      slot. A new leader of the key wakes the caller before the work begins.
 *      So no thread has more than one outgoing edge in the wait-for graph.
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
 * Takes the claim that is due, or waits for it. Called when the caller has seen
 * its key at rest, or with a leader that is gone, before it leads the key.
 * STEP_LEAD: the caller has the claim. STEP_AGAIN: the key may have changed, or
 * the claim is busy and the caller may take a stale value instead.
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

/* Ends the claim beside a flight that P has ended. */
void claim_end(struct flight *f, struct peer *p);

#endif
