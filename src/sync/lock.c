/* SPDX-License-Identifier: MIT */
#include "sync/lock.h"

#include <errno.h>

#include "os/killpoint.h"
#include "peer/removal.h"
#include "peer/wait.h"
#include "store/owned.h"
#include "sync/lead.h"
#include "sync/move.h"
#include "sync/shared.h"

int lock_take_idle(struct peer *p, const struct key *k, uint32_t rank,
		   struct hold *held)
{
	uint64_t now = sys.coarse();
	struct sighting seen;

	if (unlikely(load_relaxed(&p->map->predecessor)) ||
	    removal_is_due(p->map, now))
		return AGAIN;
	if (unlikely(k->len > SHM_INLINE_KEY ||
		     !table_glance(p->map, k, &seen) ||
		     ctl_phase(seen.ctl) != PHASE_IDLE ||
		     seen.ctl & LOCK_SHARED ||
		     flight_claim_as(p, &seen, rank, now, true) !=
			     SFSHM_LEADER ||
		     !flight_confirm(p, &seen)))
		return AGAIN;
	lock_fill_hold(held, p, &seen, rank, NULL);
	return (seen.ctl & LOCK_ORPHANED) != 0;
}

int lock_share_idle(struct peer *p, const struct key *k, uint32_t rank,
		    struct hold *held)
{
	struct sighting seen;
	uint32_t *word;

	if (unlikely(load_relaxed(&p->map->predecessor)) ||
	    removal_is_due(p->map, sys.coarse()))
		return AGAIN;
	if (unlikely(k->len > SHM_INLINE_KEY ||
		     !table_glance(p->map, k, &seen) ||
		     ctl_phase(seen.ctl) != PHASE_IDLE ||
		     sharer_own(p->record, seen.slot) ||
		     load_relaxed(&p->map->cold[seen.slot].bypassed) >=
			     LOCK_BYPASSES ||
		     shared_take(p, &seen, false, &word)))
		return AGAIN;
	lock_fill_hold(held, p, &seen, rank, word);
	return (seen.ctl & LOCK_ORPHANED) != 0;
}

/*
 * The caller has made the slot BUSY. Makes that a hold of the lock: a shared
 * one, or one without sharers beside it.
 */
static int settle(struct call *c, struct hold *held)
{
	bool drains = held->ctl & LOCK_SHARED;
	int r = c->shares ? shared_keep(c, held) :
		drains    ? shared_drain(c, held) :
			    0;

	if (r)
		return r;
	if (drains && !c->shares)
		flight_drop_older(c);
	if (c->wait.joined)
		store_relaxed(&c->self->map->cold[held->slot].bypassed, 0);
	return c->result->owner_died;
}

int lock_take(struct call *c, struct hold *held)
{
	struct sighting seen;
	struct flight f;
	int r;

	if (c->shares && !sharer_free(c->self->record))
		return -EMFILE;
	do {
		r = flight_begin(c, &f);
		if (r == LOCK_TAKEN_SHARED)
			return c->result->owner_died;
		if (r != SFSHM_LEADER)
			return r;
		seen.slot = f.slot;
		seen.ctl = f.ctl;
		lock_fill_hold(held, c->self, &seen, c->lease_or_rank, NULL);
		r = settle(c, held);
		if (f.reap)
			peer_reap(c->self->map, f.reap - 1);
	} while (r == AGAIN);
	return r;
}

void lock_unshare(struct hold *held)
{
	sharer_drop(held->map, held->slot, held->word);
	held->map = NULL;
}

/* Inlined into each of its callers, of which one is lock_release(). */
static force_inline int release(struct hold *held, struct peer *p)
{
	struct shm_slot *s = &p->map->slots[held->slot];
	struct shm_desk *cold = &p->map->cold[held->slot];
	/* LOCK-2 */
	bool keep = load_relaxed(&cold->bypassed) >= LOCK_BYPASSES;
	uint64_t rest = ctl_make(ctl_gen(held->ctl), 0,
				 unlikely(keep) ? LOCK_KEPT : PHASE_IDLE, 0);

	if (unlikely(load_relaxed(&s->deaths)))
		store_relaxed(&s->deaths, 0);
	store_relaxed(&held->map, NULL);
	if (unlikely(!cas_seq(&s->ctl, held->ctl, rest))) {
		/*
		 * Nobody takes a lock from a living thread: the segment is
		 * damaged.
		 */
		peer_count(p, COUNT_corrupt);
		flight_yield(p, held->slot);
		return -ESTALE;
	}
	kill_point(lock_released);
	if (unlikely(event_awaited(&cold->event)) &&
	    event_wake(p->map, &cold->event, false))
		peer_count(p, COUNT_wakeups);
	owned_drop(p, held->slot);
	return 0;
}

int lock_release(struct hold *held, struct peer *p)
{
	return release(held, p);
}

void lock_detach(struct hold *held, struct peer *p, uint64_t number)
{
	const struct flight f = { .slot = held->slot };

	flight_detach(&f, p);
	held->serial = p->map->serial;
	store_relaxed(&held->life, number);
}

int lock_release_here(struct hold *held, struct peer *p)
{
	struct flight f = { .slot = held->slot, .ctl = held->ctl };

	if (!flight_move(&f, p))
		return -ESTALE;
	store_relaxed(&held->ctl, f.ctl);
	return release(held, p);
}

bool lock_held(struct peer *p, const struct key *k)
{
	struct sighting seen;
	int r;

	do {
		epoch_enter(p);
		r = table_find(p, k, &seen);
		epoch_leave(p);
	} while (r == -EAGAIN);
	return r == 1 &&
	       ((ctl_busy(seen.ctl) && ctl_owner(seen.ctl) == p->id &&
		 !flight_is_detached(p->map, seen.slot, seen.ctl)) ||
		(seen.ctl & LOCK_SHARED && sharer_own(p->record, seen.slot)));
}
