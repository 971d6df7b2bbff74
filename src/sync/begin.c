/* SPDX-License-Identifier: MIT */
/* Asking for a key: the caller gets a result, the lead, or an error. */
#include <errno.h>
#include <sched.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/removal.h"
#include "store/deaths.h"
#include "store/owned.h"
#include "store/evict.h"
#include "store/probation.h"
#include "sync/claim.h"
#include "sync/consult.h"
#include "sync/detached.h"
#include "sync/follow.h"
#include "sync/lead.h"
#include "sync/move.h"
#include "sync/result.h"
#include "sync/shared.h"

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

/*
 * Copies the count of the key's dead leaders, kept from an earlier slot, to the
 * new slot. If the caller is not to lead the slot yet, copies the time of the
 * last death to `started` as well. If it leads, it is about to note its own
 * start there; the older time would put it past its lease.
 */
static void recall_deaths(struct call *c, const struct sighting *seen,
			  bool leads)
{
	struct mapping *map = c->self->map;
	uint32_t hash = key_order(&c->key);
	uint64_t word = deaths_recall(map, hash);

	if (likely(!word) || key_kind(&c->key) == SHM_LOCK)
		return;
	store_relaxed(&map->slots[seen->slot].deaths,
		      deaths_make(deaths_remembered(word),
				  ctl_gen(seen->ctl) - 1));
	if (!leads)
		store_release(&map->cold[seen->slot].started,
			      started_make(ctl_gen(seen->ctl),
					   deaths_when(word, sys.now())));
	deaths_forget(map, hash, word);
}

/* Makes a slot for a key that has none, and leads it, unless a claim is due. */
static enum step lead_new(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	uint64_t busy;
	int r = evict_for_slot(p, &seen->slot, &seen->ctl);

	if (r)
		return call_answer(c, r);
	if (key_kind(&c->key) == SHM_LOCK)
		store_relaxed(&p->map->cold[seen->slot].bypassed, 0);
	r = key_store(p, seen->slot, &c->key);
	kill_point(slot_keyed);
	if (!r)
		r = link_slot(c, seen->slot);
	if (r) {
		slot_unmake(p, seen->slot, seen->ctl);
		return r == -EEXIST ? STEP_AGAIN : call_answer(c, r);
	}
	kill_point(slot_linked);
	/*
	 * ORDER-L6 pairs ORDER-L5
	 * The slot has been linked before slot_gen() reads the floor.
	 *
	 * With CTL_CUR set the first value goes into the first field, whose
	 * front is in the slot itself, where a hit reads it at once.
	 */
	busy = ctl_make(slot_gen(p->map, seen->ctl), p->id, PHASE_BUSY,
			key_kind(&c->key) != SHM_LOCK ? CTL_CUR :
			c->shares                     ? LOCK_SHARED :
							0);
	if (!cas_seq(&p->map->slots[seen->slot].ctl, seen->ctl, busy)) {
		flight_yield(p, seen->slot);
		return STEP_AGAIN;
	}
	kill_point(slot_busy);
	seen->ctl = busy;
	recall_deaths(c, seen, !claim_is_due(c));
	if (!c->resize.moving)
		probation_begin(p, seen->slot, &c->key);
	peer_count(p, COUNT_inserts);
	if (claim_is_due(c)) {
		flight_give_back(p, seen->slot, busy);
		return STEP_AGAIN;
	}
	flight_note_start(p, seen, c->lease_or_rank, sys.coarse(),
			  key_kind(&c->key) == SHM_LOCK);
	return STEP_LEAD;
}

static int cancelled(const struct call *c)
{
	peer_count(c->self, COUNT_cancels);
	return -ECANCELED;
}

/*
 * Answers with the failure that is in the result. If that marks the key as
 * uncacheable, the caller runs the work for itself.
 */
static int failure(struct call *c, struct flight *f)
{
	if (unlikely(c->result->code == SHM_CODE_UNCACHEABLE)) {
		c->result->code = 0;
		if (!f || c->flags & SFSHM_FOLLOW)
			return -ENODATA;
		if (call_cancelled(c))
			return cancelled(c);
		peer_count(c->self, COUNT_uncacheable);
		return flight_alone(f, c->policy, c->result);
	}
	peer_count(c->self,
		   c->wait.waited ? COUNT_loads_deduped : COUNT_neg_hits);
	return c->result->code == -ENOENT ? -ENOENT : -EREMOTEIO;
}

/* Whether this key's leaders keep dying, so that no caller may lead it yet. */
static bool breaker_open(struct call *c, const struct sighting *seen,
			 bool absent)
{
	const struct sfshm_policy *pol = c->policy;
	const struct mapping *map = c->self->map;
	uint64_t word, last, now;
	uint32_t deaths;

	if (likely(!pol->breaker_deaths))
		return false;
	now = sys.now();
	if (absent) {
		word = deaths_recall(map, key_order(&c->key));
		deaths = deaths_remembered(word);
		last = deaths_when(word, now);
	} else {
		deaths = load_relaxed(&map->slots[seen->slot].deaths);
		last = started_ns(load_acquire(&map->cold[seen->slot].started),
				  ctl_gen(seen->ctl), now);
	}
	if (!deaths_reach(deaths_count((uint8_t)deaths), pol->breaker_deaths) ||
	    !last || now >= ns_after(last, pol->breaker_ms))
		return false;
	peer_count(c->self, COUNT_broken);
	return true;
}

/*
 * Whether the caller would wait for itself: its own thread leads the flight;
 * or, if any thread of the process may end the flight, its own task began it.
 */
static force_inline bool is_own(const struct call *c,
				const struct sighting *seen)
{
	bool mine = ctl_owner(seen->ctl) == c->self->id;
	uint64_t task = c->policy->task;

	if (likely(!mine && !task))
		return false;
	/* A polled wait leaves the thread free to end its own flight. */
	if (!flight_is_detached(c->self->map, seen->slot, seen->ctl))
		return mine && (!(c->flags & CALL_PARKS) || c->own_is_busy);
	return task && detached_task(c->self->map, seen->slot,
				     ctl_gen(seen->ctl)) == task;
}

/* A flight is under way: wait for it, if this call may wait. */
static force_inline enum step meet_busy(struct call *c, struct sighting *seen)
{
	if (is_own(c, seen) || (shared_is_own(c, seen) &&
				(!(c->flags & CALL_PARKS) || c->own_is_busy)))
		return call_answer(c, c->own_is_busy ? -EBUSY : -EDEADLK);
	if (c->resize.moving)
		return call_answer(c, -EBUSY);
	if (unlikely(c->claim.held)) {
		enum step step = flight_try(c, seen);

		if (step != STEP_ANSWER || c->answer != -EBUSY)
			return step;
		claim_drop(c); /* CLAIM-1 */
	}
	if (unlikely(c->flags & (SFSHM_TRY | CALL_PARKS)))
		return c->flags & SFSHM_TRY ? flight_try(c, seen) :
					      flight_park(c, seen);
	return flight_follow(c, seen);
}

/* The leader is gone: replace it. */
static enum step meet_overdue(struct call *c, struct sighting *seen)
{
	return c->resize.moving ? call_answer(c, -EBUSY) :
				  flight_replace(c, seen);
}

static int begin_there(struct call *c)
{
	return flight_begin(c, NULL);
}

/* Returns the error for a call that never leads, if no flight is under way. */
static int nobody_leads(const struct call *c, const struct sighting *seen,
			bool absent)
{
	uint8_t deaths;

	if (c->resize.asker)
		return -ENODATA;
	deaths = absent ? 0 :
			  load_relaxed(&c->self->map->slots[seen->slot].deaths);
	if (deaths_have(deaths, ctl_gen(seen->ctl))) {
		c->result->owner_died = 1;
		return -EOWNERDEAD;
	}
	return c->wait.joined ||
			       (!absent && ctl_phase(seen->ctl) == PHASE_IDLE) ?
		       -ESRCH :
		       -ENODATA;
}

/* No flight is under way: lead, if this call may lead. */
static enum step meet_idle(struct call *c, struct sighting *seen, bool absent)
{
	enum step step;
	int r;

	if (unlikely(load_relaxed(&c->self->robbed)))
		flight_let_go(c->self);
	if (!c->resize.consulted) {
		c->resize.consulted = true;
		r = flight_consult(c, begin_there);
		if (r != -ENODATA)
			return call_answer(c, r);
	}
	if (!absent && key_kind(&c->key) == SHM_LOCK) {
		step = shared_meet(c, seen);
		if (step != STEP_LEAD)
			return step;
		c->result->owner_died |= (seen->ctl & LOCK_ORPHANED) != 0;
	}
	if (c->flags & SFSHM_FOLLOW)
		return flight_moved(c) ?
			       STEP_MOVED :
			       call_answer(c, nobody_leads(c, seen, absent));
	if (call_cancelled(c))
		return call_answer(c, cancelled(c));
	if (!absent && unlikely(flight_defers(c, seen)))
		return flight_defer(c, seen);
	if (!absent && c->shares)
		return shared_join(c, seen);
	if (unlikely(breaker_open(c, seen, absent)))
		return call_answer(c, -EHOSTDOWN);
	/* CLAIM-2: take the claim, then do the CAS from seen->ctl. */
	step = absent ? STEP_LEAD : claim_take(c, seen);
	if (step == STEP_LEAD)
		step = absent ? lead_new(c, seen) : flight_claim(c, seen);
	if (step == STEP_LEAD && !flight_confirm(c->self, seen))
		return STEP_MOVED;
	return step;
}

static force_inline enum step
look_and_act(struct call *c, struct sighting *seen, struct flight *f)
{
	int r = look(c, seen);

	switch (r) {
	case LOOK_HIT: return flight_answer(c);
	case LOOK_FAILED: return call_answer(c, failure(c, f));
	case LOOK_BUSY: return meet_busy(c, seen);
	case LOOK_OVERDUE: return meet_overdue(c, seen);
	case LOOK_ABSENT: return meet_idle(c, seen, true);
	case LOOK_CLAIMABLE: return meet_idle(c, seen, false);
	default: return call_answer(c, r);
	}
}

/* Looks and acts until there is an answer, the lead, or a successor to ask. */
static force_inline enum step seek(struct call *c, struct sighting *seen,
				   struct flight *f)
{
	uint32_t tries = 0;
	uint64_t slept;
	enum step step;

	do {
		slept = c->wait.slept;
		step = look_and_act(c, seen, f);
		if (likely(step != STEP_AGAIN))
			return step;
		tries = c->wait.slept == slept ? tries + 1 : 0;
	} while (tries < LOOK_MOST_TRIES);
	peer_count(c->self, COUNT_corrupt);
	return call_answer(c, -EBADMSG);
}

/*
 * Removes the predecessor's value, which this flight's result replaces. Tries
 * again while another caller has the slot there: that caller claimed it too
 * late, and is about to give it back (SUCCESSION-2).
 */
void flight_drop_older(struct call *c)
{
	for (int i = 0; i < 1000; i++) {
		if (flight_consult(c, flight_forget) != -EBUSY)
			return;
		sched_yield();
	}
}

static int settle_there(struct call *c)
{
	struct sighting seen;

	return look(c, &seen) == LOOK_HIT ? c->result->source : -ENODATA;
}

/*
 * Looks here, then in the predecessor, for a value past its lifetime that may
 * answer the call.
 */
static bool settled(struct call *c, struct sighting *seen)
{
	int r = LOOK_HIT;

	/* A value that `fresh` has refused may still serve as a stale one. */
	for (int looks = 0; r == LOOK_HIT && looks < 2; looks++) {
		r = look(c, seen);
		if (r != LOOK_HIT && flight_consult(c, settle_there) >= 0)
			r = LOOK_HIT;
		if (r == LOOK_HIT && flight_answer(c) == STEP_ANSWER)
			return true;
	}
	return false;
}

/*
 * The call cannot get a fresh result: takes an old value if the policy allows
 * that. A call in the predecessor leaves that to its asker.
 */
static void settle_for_old(struct call *c, struct sighting *seen)
{
	int failed = c->answer;

	if (c->resize.asker)
		return;
	c->settle_ms = flight_settles_for(c->policy, failed);
	c->settles = c->settle_ms != 0;
	if (!c->settles)
		return;
	if (!settled(c, seen)) {
		/* Drop a failure that the looks may have found. */
		result_empty(c->result);
		call_answer(c, failed);
	}
	c->settles = false;
}

/*
 * Whether leaders of this key have died since the last one that lived to end a
 * flight.
 */
static bool leaders_died(const struct call *c, const struct sighting *seen)
{
	return key_kind(&c->key) != SHM_LOCK &&
	       load_relaxed(&c->self->map->slots[seen->slot].deaths);
}

static int lead(struct call *c, const struct sighting *seen, struct flight *f)
{
	flight_lead(c->self, c->policy, seen, f);
	flight_tell(c->result, ctl_gen(seen->ctl),
		    c->result->owner_died || c->claim.owner_died ||
			    leaders_died(c, seen),
		    true);
	if (key_kind(&c->key) != SHM_LOCK)
		flight_probe_begin(&c->key, seen);
	f->has_claim = c->claim.held;
	f->reap = c->wait.reap;
	if (unlikely(c->flags & SFSHM_FAIL_IF_LOST))
		flight_write_loss(f, c->self);
	/*
	 * A semaphore's permits in the predecessor count until they are given
	 * back. A caller that takes a lock shared, or that still has to drain
	 * it, keeps the lock's slot in the predecessor: the slot may have the
	 * mark of a death, of which a later holder is to learn.
	 */
	if (!c->resize.moving && key_kind(&c->key) != SHM_SEMAPHORE &&
	    !c->shares &&
	    !(key_kind(&c->key) == SHM_LOCK && seen->ctl & LOCK_SHARED))
		flight_drop_older(c);
	return SFSHM_LEADER;
}

on_waking int flight_begin(struct call *c, struct flight *f)
{
	struct sighting seen;
	enum step step;

	c->result->owner_died = 0;
	if (f)
		f->alone = false;
	if (unlikely(f && c->policy->claim_key)) {
		c->claim.flight = claim_place(f);
		c->claim.begin = flight_begin;
	}
	if (key_kind(&c->key) != SHM_LOCK && key_kind(&c->key) != SHM_CLAIM)
		peer_count(c->self, COUNT_gets);
	step = seek(c, &seen, f);
	if (unlikely(step == STEP_ANSWER && c->answer < 0))
		settle_for_old(c, &seen);
	flight_unfollow(c, step);
	if (step == STEP_LEAD)
		return f ? lead(c, &seen, f) : SFSHM_LEADER;
	claim_drop(c);
	if (unlikely(step == STEP_MOVED))
		return MOVED;
	if (unlikely(c->answer == -ENOSPC))
		peer_count(c->self, COUNT_no_space);
	return c->answer;
}

int flight_begin_moving(struct call *c, struct flight *f)
{
	c->resize.consulted = true;
	c->resize.moving = true;
	c->flags = SFSHM_TRY;
	return flight_begin(c, f);
}
