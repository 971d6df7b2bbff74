/* SPDX-License-Identifier: MIT */
/* Becoming the leader, or finding out why not. */
#include <errno.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "store/claims.h"
#include "store/evict.h"
#include "sync/flight.h"

/*
 * The flight is on: says when it began and until when it is meant to last.
 * The cheap clock will do where only people read it.
 */
static void note_start(struct call *c, const struct sighting *seen)
{
	struct shm_slot *s = &c->self->map->slots[seen->slot];
	uint64_t now = c->policy.lock_age_ms ? sys.now() : sys.coarse();

	store_relaxed(&s->lease_ms, c->policy.lock_age_ms);
	/* order: B1 pairs B2 */
	store_release(&s->started, started_make(ctl_gen(seen->ctl), now));
	peer_count(c->self, COUNT_loads);
}

int flight_claim(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	uint64_t mine = ctl_make(slot_gen(p->map, seen->ctl) + 1, p->id,
				 PHASE_BUSY, seen->ctl);

	claim_note(p, seen->slot);
	if (!cas_seq(&p->map->slots[seen->slot].ctl, seen->ctl, mine)) {
		claim_drop(p, seen->slot);
		return AGAIN;
	}
	kill_point(flight_claimed);
	seen->ctl = mine;
	note_start(c, seen);
	return SFSHM_LEADER;
}

static int link_slot(struct call *c, uint32_t slot)
{
	struct peer *p = c->self;
	int r;

	do {
		epoch_enter(p);
		r = table_insert(p, &c->key, slot);
		epoch_leave(p);
	} while (r == -EAGAIN);
	return r;
}

/* Leads a key that has no slot. */
static int lead_new(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	uint64_t busy;
	int r = evict_for_slot(p, &seen->slot, &seen->ctl);

	if (r)
		return r;
	r = key_store(p, seen->slot, &c->key);
	kill_point(slot_keyed);
	if (!r)
		r = link_slot(c, seen->slot);
	if (r) {
		slot_unmake(p, seen->slot, seen->ctl);
		return r == -EEXIST ? AGAIN : r;
	}
	kill_point(slot_linked);
	busy = ctl_make(slot_gen(p->map, seen->ctl), p->id, PHASE_BUSY, 0);
	if (!cas_seq(&p->map->slots[seen->slot].ctl, seen->ctl, busy)) {
		flight_yield(p, seen->slot);
		return AGAIN;
	}
	kill_point(slot_busy);
	seen->ctl = busy;
	peer_count(p, COUNT_inserts);
	note_start(c, seen);
	return SFSHM_LEADER;
}

static void lead(struct call *c, const struct sighting *seen, struct flight *f)
{
	struct sfshm_result *r = c->result;

	f->map = c->self->map;
	f->record = c->self->record;
	f->result = NULL;
	f->cookie = c->self->cookie;
	f->serial = c->self->map->serial;
	f->ctl = seen->ctl;
	f->slot = seen->slot;
	f->incarnation = c->self->incarnation;
	f->ttl_ms = c->policy.ttl_ms;
	f->neg_ttl_ms = c->policy.neg_ttl_ms;
	r->source = SFSHM_COMPUTED;
	r->leader = 1;
	r->shared = 0;
	r->code = 0;
	r->generation = ctl_gen(seen->ctl);
	r->age_ns = 0;
	r->value.len = 0;
}

static int answer_failed(struct call *c)
{
	peer_count(c->self, c->slept ? COUNT_loads_deduped : COUNT_neg_hits);
	return c->result->code == -ENOENT ? -ENOENT : -EREMOTEIO;
}

static int answer_hit(struct call *c)
{
	peer_count(c->self, c->slept ? COUNT_loads_deduped : COUNT_hits);
	c->result->code = 0;
	return c->result->source;
}

/* Somebody is at it: wait, unless this call must not. */
static int meet_busy(struct call *c, struct sighting *seen)
{
	if (ctl_owner(seen->ctl) == c->self->id)
		return -EDEADLK;
	if (c->policy.flags & SFSHM_TRY)
		return -EBUSY;
	return flight_follow(c, seen);
}

/* Nobody is: lead, unless this call must not. */
static int meet_idle(struct call *c, struct sighting *seen, int how)
{
	if (c->policy.flags & SFSHM_FOLLOW)
		return -ENODATA;
	return how == LOOK_ABSENT ? lead_new(c, seen) : flight_claim(c, seen);
}

static int look_or_act(struct call *c, struct sighting *seen)
{
	int how = look(c, seen);

	switch (how) {
	case LOOK_HIT: return answer_hit(c);
	case LOOK_FAILED: return answer_failed(c);
	case LOOK_BUSY: return meet_busy(c, seen);
	case LOOK_ABSENT:
	case LOOK_CLAIMABLE: return meet_idle(c, seen, how);
	default: return how;
	}
}

int flight_begin(struct call *c, struct flight *f)
{
	struct sighting seen;
	int r;

	c->result->owner_died = 0;
	peer_count(c->self, COUNT_gets);
	do {
		r = look_or_act(c, &seen);
	} while (r == AGAIN);
	flight_unfollow(c, r == SFSHM_LEADER);
	if (r == -ENOSPC)
		peer_count(c->self, COUNT_no_space);
	if (r == SFSHM_LEADER)
		lead(c, &seen, f);
	return r;
}
