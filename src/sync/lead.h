/* SPDX-License-Identifier: MIT */
/*
 * Becoming the leader of a slot at rest, or of a dead leader's slot. The code
 * is in a header to be inlined: a flight for which no other caller waits runs
 * little else.
 */
#ifndef SYNC_LEAD_H
#define SYNC_LEAD_H

#include "os/killpoint.h"
#include "os/probe.h"
#include "os/sys.h"
#include "peer/wait.h"
#include "store/owned.h"
#include "sync/flight.h"
#include "sync/lock.h"
#include "sync/result.h"

/*
 * Notes when the flight began and how long it may last. Only a lease needs the
 * exact clock.
 */
static force_inline void flight_note_start(struct peer *p,
					   const struct sighting *seen,
					   uint32_t lease_or_rank,
					   uint64_t coarse, bool lock)
{
	struct shm_desk *cold = &p->map->cold[seen->slot];
	bool exact = lease_or_rank && !lock;

	store_relaxed(lock ? &cold->lock_rank : &cold->lease_ms, lease_or_rank);
	/* ORDER-B1 pairs ORDER-B2 */
	store_release(&cold->started, started_make(ctl_gen(seen->ctl),
						   exact ? sys.now() : coarse));
	peer_count(p, lock ? COUNT_locks : COUNT_loads);
}

/*
 * Claims a slot by a CAS from the word that was seen: FLIGHT-T3, FLIGHT-T7.
 * `coarse` is the coarse clock's time. Returns SFSHM_LEADER, AGAIN (the slot
 * has changed), or -EOVERFLOW (generations have run out).
 */
static force_inline int flight_claim_as(struct peer *p, struct sighting *seen,
					uint32_t lease_or_rank, uint64_t coarse,
					bool lock)
{
	uint64_t mine = ctl_make(slot_gen(p->map, seen->ctl) + 1, p->id,
				 PHASE_BUSY, seen->ctl);
	struct shm_desk *cold = &p->map->cold[seen->slot];
	bool awaited, rested;

	if (unlikely(ctl_gen(mine) >= CTL_GEN_END))
		return -EOVERFLOW;
	if (lock && unlikely(lock_had_holder(seen->ctl)))
		mine |= LOCK_ORPHANED;
	owned_note(p, seen->slot);
	if (unlikely(!cas_seq(&p->map->slots[seen->slot].ctl, seen->ctl,
			      mine))) {
		owned_drop(p, seen->slot);
		return AGAIN;
	}
	kill_point(flight_claimed);
	/*
	 * If the slot was at rest, its waiters sleep on the words of the last
	 * owner, and must learn of the new one (WAIT-5). Waiters for a claim
	 * must learn of each new owner (CLAIM-5).
	 */
	awaited = event_awaited(&cold->event);
	rested = ctl_at_rest(seen->ctl);
	if (unlikely(awaited) &&
	    (rested || load_relaxed(&cold->event) & EVENT_ALL))
		event_wake(p->map, &cold->event, true);
	if (lock)
		lock_count(cold, awaited && rested);
	seen->ctl = mine;
	flight_note_start(p, seen, lease_or_rank, coarse, lock);
	return SFSHM_LEADER;
}

/* Claims a slot for a call, with any kind of key. */
enum step flight_claim(struct call *c, struct sighting *seen);

/*
 * Gives back a slot that was claimed with the word `ctl`, before any work for
 * it.
 */
void flight_give_back(struct peer *p, uint32_t slot, uint64_t ctl);

/*
 * Whether the new leader may keep the slot. False: the segment has moved
 * meanwhile, and this function has given the slot back.
 */
static force_inline bool flight_confirm(struct peer *p,
					const struct sighting *seen)
{
	/* ORDER-M2 pairs ORDER-M1 */
	if (likely(!load_seq(&p->map->header->moved)))
		return true;
	flight_give_back(p, seen->slot, seen->ctl);
	return false;
}

/* Fills in the new leader's result. */
static force_inline void flight_tell(struct sfshm_result *r,
				     uint64_t generation, bool owner_died,
				     bool coordinated)
{
	const struct answer a = {
		.source = SFSHM_COMPUTED,
		.leader = true,
		.owner_died = owner_died,
		.coordinated = coordinated,
		.generation = generation,
	};

	result_fill(r, &a);
	r->value.len = 0;
}

/* Copies the leader's policy into its flight. */
static force_inline void flight_fill(struct flight *f,
				     const struct sfshm_policy *policy)
{
	f->flags = policy->flags;
	f->ttl_ms = policy->ttl_ms;
	f->neg_ttl_ms = policy->neg_ttl_ms;
	f->keep_ms = call_keep_ms(policy);
	f->lock_age_ms = policy->lock_age_ms;
	f->fits = policy->fits;
	f->arg = policy->arg;
	f->result = NULL;
	f->stored = 0;
	f->tagging.tag[0] = 0;
	f->uncacheable_ms = 0;
	f->uncacheable = false;
	f->doubtful = false;
	f->given = false;
	f->invalidated = false;
	f->has_claim = false;
}

/* Tells a tracer of the new flight. A lock's hold is none. */
static force_inline void flight_probe_begin(const struct key *k,
					    const struct sighting *seen)
{
	probe_point(flight_begin, key_order(k), seen->slot, ctl_gen(seen->ctl),
		    k->data, k->len);
}

/* Fills in the new leader's flight. */
static force_inline void flight_lead(struct peer *p,
				     const struct sfshm_policy *policy,
				     const struct sighting *seen,
				     struct flight *f)
{
	f->map = p->map;
	f->life = p->life;
	f->cookie = p->cookie;
	f->serial = p->map->serial;
	f->ctl = seen->ctl;
	f->slot = seen->slot;
	f->tagging.stamp = tagging_clock(p->map);
	flight_fill(f, policy);
	f->reap = 0;
	f->alone = false;
}

#endif
