/* SPDX-License-Identifier: MIT */
/* Asking for a key: a result, the lead, or the reason why not. */
#include <errno.h>
#include <sched.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/removal.h"
#include "store/claims.h"
#include "store/evict.h"
#include "sync/consult.h"
#include "sync/follow.h"
#include "sync/lead.h"

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
	/* So that the first value is the one that a hit finds at once. */
	busy = ctl_make(slot_gen(p->map, seen->ctl), p->id, PHASE_BUSY,
			key_kind(&c->key) == SHM_LOCK ? 0 : CTL_CUR);
	if (!cas_seq(&p->map->slots[seen->slot].ctl, seen->ctl, busy)) {
		flight_yield(p, seen->slot);
		return AGAIN;
	}
	kill_point(slot_busy);
	seen->ctl = busy;
	peer_count(p, COUNT_inserts);
	flight_note_start(p, seen, c->lease_ms, sys.coarse(),
			  key_kind(&c->key) == SHM_LOCK);
	return SFSHM_LEADER;
}

static int answer_failed(struct call *c, struct flight *f)
{
	if (unlikely(c->result->code == SHM_CODE_UNCACHEABLE)) {
		c->result->code = 0;
		if (!f || c->flags & SFSHM_FOLLOW)
			return -ENODATA;
		peer_count(c->self, COUNT_uncacheable);
		return flight_alone(f, c->policy, c->result);
	}
	peer_count(c->self, c->waited ? COUNT_loads_deduped : COUNT_neg_hits);
	return c->result->code == -ENOENT ? -ENOENT : -EREMOTEIO;
}

/* The caller would rather not have this one, nor any that is older. */
static int refuse(struct call *c, enum shm_counter why)
{
	peer_count(c->self, why);
	c->refused = c->result->generation;
	return AGAIN;
}

on_waking int flight_answer(struct call *c)
{
	const struct sfshm_policy *pol = c->policy;

	if (unlikely(pol->fits && !pol->fits(c->result, pol->arg)))
		return refuse(c, COUNT_misfits);
	if (unlikely(pol->fresh && !c->result->stale &&
		     !pol->fresh(c->result, pol->arg)))
		return refuse(c, COUNT_refused);
	peer_count(c->self, c->result->stale ? COUNT_stale_hits :
			    c->waited        ? COUNT_loads_deduped :
					       COUNT_hits);
	return c->result->source;
}

/* The leaders of this key keep dying: one may try again after a while. */
static bool breaker_open(struct call *c, const struct sighting *seen)
{
	const struct sfshm_policy *pol = c->policy;
	const struct shm_slot *s = &c->self->map->slots[seen->slot];
	uint64_t last = started_ns(
		load_acquire(&c->self->map->desks[seen->slot].started),
		ctl_gen(seen->ctl));

	if (!deaths_reach(load_relaxed(&s->deaths), pol->breaker_deaths) ||
	    !last || sys.now() >= last + pol->breaker_ms * NS_PER_MS)
		return false;
	peer_count(c->self, COUNT_broken);
	return true;
}

/* Somebody is at it: wait, unless this call must not. */
static in_line int meet_busy(struct call *c, struct sighting *seen)
{
	if (ctl_owner(seen->ctl) == c->self->id)
		return c->own_is_busy ? -EBUSY : -EDEADLK;
	if (c->moving)
		return -EBUSY;
	return c->flags & SFSHM_TRY ? flight_try(c, seen) :
				      flight_follow(c, seen);
}

/* Nobody is: lead, unless this call must not. */
static int meet_idle(struct call *c, struct sighting *seen, int how)
{
	int r;

	if (!c->consulted) {
		c->consulted = true;
		r = flight_consult(c, flight_begin);
		if (r != -ENODATA)
			return r;
	}
	if (how == LOOK_CLAIMABLE && key_kind(&c->key) == SHM_LOCK)
		c->result->owner_died |= (seen->ctl & LOCK_ORPHANED) != 0;
	if (c->flags & SFSHM_FOLLOW)
		return flight_moved(c) ? MOVED : -ENODATA;
	if (how == LOOK_CLAIMABLE && unlikely(breaker_open(c, seen)))
		return -EHOSTDOWN;
	r = how == LOOK_ABSENT ? lead_new(c, seen) :
				 flight_claim(c->self, seen, c->lease_ms);
	return r == SFSHM_LEADER ? flight_confirm(c->self, seen) : r;
}

static in_line int look_or_act(struct call *c, struct sighting *seen,
			       struct flight *f)
{
	int how = look(c, seen);

	switch (how) {
	case LOOK_HIT: return flight_answer(c);
	case LOOK_FAILED: return answer_failed(c, f);
	case LOOK_BUSY: return meet_busy(c, seen);
	case LOOK_ABSENT:
	case LOOK_CLAIMABLE: return meet_idle(c, seen, how);
	default: return how;
	}
}

/*
 * What this flight makes replaces whatever the predecessor has. Somebody may
 * be giving back a claim there just now: then once more.
 */
static void drop_older(struct call *c)
{
	for (int i = 0; i < 1000; i++) {
		if (flight_consult(c, flight_forget) != -EBUSY)
			return;
		sched_yield();
	}
}

/* Looks and acts until there is an answer. */
static in_line int seek(struct call *c, struct sighting *seen, struct flight *f)
{
	uint32_t tries = 0;
	uint64_t slept;
	int r;

	do {
		slept = c->slept;
		r = look_or_act(c, seen, f);
		if (likely(r != AGAIN))
			return r;
		tries = c->slept == slept ? tries + 1 : 0;
	} while (tries < LOOK_MOST_TRIES);
	peer_count(c->self, COUNT_corrupt);
	return -EBADMSG;
}

/* The time is up, and any value is better than none. */
static int settle_for_old(struct call *c, struct sighting *seen)
{
	c->any_age = true;
	if (look(c, seen) != LOOK_HIT || flight_answer(c) == AGAIN)
		return -ETIMEDOUT;
	return c->result->source;
}

/* Who leads now is told until one has lived to end a flight. */
static bool leaders_died(const struct call *c, const struct sighting *seen)
{
	return key_kind(&c->key) != SHM_LOCK &&
	       load_relaxed(&c->self->map->slots[seen->slot].deaths);
}

on_waking int flight_begin(struct call *c, struct flight *f)
{
	struct sighting seen;
	int r;

	c->result->owner_died = 0;
	if (f)
		f->alone = false;
	if (key_kind(&c->key) != SHM_LOCK)
		peer_count(c->self, COUNT_gets);
	r = seek(c, &seen, f);
	if (unlikely(r == -ETIMEDOUT) && c->flags & SFSHM_STALE_ON_TIMEOUT)
		r = settle_for_old(c, &seen);
	flight_unfollow(c, r == SFSHM_LEADER);
	if (unlikely(r == -ENOSPC))
		peer_count(c->self, COUNT_no_space);
	if (r != SFSHM_LEADER || !f || f->alone)
		return r;
	flight_lead(c->self, c->policy, &seen, f);
	flight_tell(c->result, ctl_gen(seen.ctl),
		    c->result->owner_died || leaders_died(c, &seen), true);
	f->reap = c->reap;
	/* A semaphore's permits there count until they are given back. */
	if (!c->moving && key_kind(&c->key) != SHM_SEMAPHORE)
		drop_older(c);
	return r;
}

int flight_begin_moving(struct call *c, struct flight *f)
{
	c->consulted = true;
	c->moving = true;
	c->flags = SFSHM_TRY;
	return flight_begin(c, f);
}
