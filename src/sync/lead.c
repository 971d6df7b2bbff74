/* SPDX-License-Identifier: MIT */
/* Becoming the leader of a slot at rest, or of a dead leader's. */
#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/wait.h"
#include "store/claims.h"
#include "sync/flight.h"

/*
 * The flight is on: says when it began and until when it is meant to last.
 * The cheap clock will do where only people read it.
 */
static void note_start(struct peer *p, const struct sighting *seen,
		       uint32_t lease_ms, uint64_t coarse)
{
	struct shm_desk *d = &p->map->desks[seen->slot];
	bool lock = slot_kind(&p->map->slots[seen->slot]) == SHM_LOCK;
	bool exact = lease_ms && !lock;

	store_relaxed(&d->lease_ms, lease_ms);
	/* order: B1 pairs B2 */
	store_release(&d->started, started_make(ctl_gen(seen->ctl),
						exact ? sys.now() : coarse));
	peer_count(p, lock ? COUNT_locks : COUNT_loads);
}

void flight_note_start(struct peer *p, const struct sighting *seen,
		       uint32_t lease_ms)
{
	note_start(p, seen, lease_ms, sys.coarse());
}

int flight_claim_at(struct peer *p, struct sighting *seen, uint32_t lease_ms,
		    uint64_t coarse)
{
	uint64_t mine = ctl_make(slot_gen(p->map, seen->ctl) + 1, p->id,
				 PHASE_BUSY, seen->ctl);

	if (unlikely(ctl_busy(seen->ctl) &&
		     slot_kind(&p->map->slots[seen->slot]) == SHM_LOCK))
		mine |= LOCK_ORPHANED;
	claim_note(p, seen->slot);
	if (!cas_seq(&p->map->slots[seen->slot].ctl, seen->ctl, mine)) {
		claim_drop(p, seen->slot);
		return AGAIN;
	}
	kill_point(flight_claimed);
	/* Who may be asleep on the last owner's words must learn of us (W5). */
	if (ctl_at_rest(seen->ctl))
		event_wake(&p->map->desks[seen->slot].event, true);
	seen->ctl = mine;
	note_start(p, seen, lease_ms, coarse);
	return SFSHM_LEADER;
}

int flight_claim(struct peer *p, struct sighting *seen, uint32_t lease_ms)
{
	return flight_claim_at(p, seen, lease_ms, sys.coarse());
}

/* What a flight has of its leader's policy. */
static void flight_fill(struct flight *f, const struct sfshm_policy *policy)
{
	f->flags = policy->flags;
	f->ttl_ms = policy->ttl_ms;
	f->neg_ttl_ms = policy->neg_ttl_ms;
	f->keep_ms = policy->grace_ms > policy->stale_if_error_ms ?
			     policy->grace_ms :
			     policy->stale_if_error_ms;
	f->uncacheable_ms = 0;
	f->fits = policy->fits;
	f->arg = policy->arg;
	f->claims = false;
}

static void result_of_leader(struct sfshm_result *r, uint64_t generation,
			     bool coordinated)
{
	r->source = SFSHM_COMPUTED;
	r->leader = 1;
	r->shared = 0;
	r->code = 0;
	r->uncached = 0;
	r->stale = 0;
	r->coordinated = coordinated;
	r->generation = generation;
	r->age_ns = 0;
	r->value.len = 0;
}

int flight_alone(struct flight *f, const struct sfshm_policy *policy,
		 struct sfshm_result *result)
{
	*f = (struct flight){
		.alone = true,
		.cookie = process_cookie(),
	};
	flight_fill(f, policy);
	result->owner_died = 0;
	result_of_leader(result, 0, false);
	return SFSHM_LEADER;
}

void flight_lead(struct peer *p, const struct sfshm_policy *policy,
		 const struct sighting *seen, struct sfshm_result *r,
		 struct flight *f)
{
	f->map = p->map;
	f->record = p->record;
	f->result = NULL;
	f->cookie = p->cookie;
	f->serial = p->map->serial;
	f->ctl = seen->ctl;
	f->slot = seen->slot;
	f->incarnation = p->incarnation;
	f->stored = 0;
	f->reap = 0;
	f->alone = false;
	flight_fill(f, policy);
	if (load_relaxed(&f->map->slots[f->slot].deaths) &&
	    slot_kind(&f->map->slots[f->slot]) != SHM_LOCK)
		r->owner_died = 1;
	result_of_leader(r, ctl_gen(seen->ctl), true);
}
