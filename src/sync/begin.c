/* SPDX-License-Identifier: MIT */
/* Becoming the leader, or finding out why not. */
#include <errno.h>
#include <sched.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/wait.h"
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
	uint64_t now = c->policy->lock_age_ms ? sys.now() : sys.coarse();

	store_relaxed(&s->lease_ms, c->policy->lock_age_ms);
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
	/* Who may be asleep on the last owner's words must learn of us (W5). */
	if (ctl_at_rest(seen->ctl))
		event_wake(&p->map->slots[seen->slot].event, true);
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
	f->ttl_ms = c->policy->ttl_ms;
	f->neg_ttl_ms = c->policy->neg_ttl_ms;
	f->stored = 0;
	if (load_relaxed(&f->map->slots[f->slot].deaths))
		r->owner_died = 1;
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
	if (c->flags & SFSHM_TRY)
		return -EBUSY;
	return flight_follow(c, seen);
}

/* The same question to the segment that this one replaces. */
static int ask(struct call *c, struct mapping *old,
	       int (*how)(struct call *c, struct flight *f))
{
	struct call asked = {
		.policy = c->policy,
		.flags = c->flags,
		.result = c->result,
		.closing = c->closing,
		.closing_seen = c->closing_seen,
		.asked = true,
	};
	int r;

	c->self->inside++;
	r = peer_attach(old, &asked.self);
	if (!r) {
		asked.key = key_make(old, c->key.data, c->key.len);
		asked.flags |= SFSHM_FOLLOW;
		r = how(&asked, NULL);
		c->slept += asked.slept;
	}
	c->self->inside--;
	return r;
}

/*
 * What began in the predecessor ends there: before a key is led here, its
 * value there is taken, its flight there waited for. Nobody begins one there
 * any more: `moved` was set before anybody could ask here.
 *
 * order: M1 pairs M2
 * Set `moved`, then look for a flight; claim a flight, then look at `moved`.
 */
int flight_consult(struct call *c, int (*how)(struct call *c, struct flight *f))
{
	struct mapping *old = mapping_predecessor(c->self->map);
	int r;

	if (likely(!old))
		return -ENODATA;
	fence_seq();
	r = ask(c, old, how);
	mapping_put(old);
	return r;
}

/* Claimed, and too late: the key is the successor's by now. */
static int give_back(struct call *c, const struct sighting *seen)
{
	struct shm_slot *s = &c->self->map->slots[seen->slot];

	if (cas_seq(&s->ctl, seen->ctl, ctl_with(seen->ctl, PHASE_IDLE, 0))) {
		event_wake(&s->event, true);
		claim_drop(c->self, seen->slot);
	} else {
		/* Stolen meanwhile: the slot is ours to let go of. */
		flight_yield(c->self, seen->slot);
	}
	return MOVED;
}

/* Nobody is: lead, unless this call must not. */
static int meet_idle(struct call *c, struct sighting *seen, int how)
{
	struct mapping *map = c->self->map;
	int r;

	if (!c->consulted) {
		c->consulted = true;
		r = flight_consult(c, flight_begin);
		if (r != -ENODATA)
			return r;
	}
	if (c->flags & SFSHM_FOLLOW)
		return flight_moved(c) ? MOVED : -ENODATA;
	r = how == LOOK_ABSENT ? lead_new(c, seen) : flight_claim(c, seen);
	/* order: M2 pairs M1 */
	if (r == SFSHM_LEADER && load_seq(&map->header->moved))
		return give_back(c, seen);
	return r;
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

int flight_begin(struct call *c, struct flight *f)
{
	struct sighting seen;
	uint32_t tries = 0;
	uint64_t slept;
	int r;

	c->result->owner_died = 0;
	peer_count(c->self, COUNT_gets);
	do {
		slept = c->slept;
		r = look_or_act(c, &seen);
		tries = c->slept == slept ? tries + 1 : 0;
	} while (r == AGAIN && tries < LOOK_MOST_TRIES);
	if (r == AGAIN) {
		peer_count(c->self, COUNT_corrupt);
		r = -EBADMSG;
	}
	flight_unfollow(c, r == SFSHM_LEADER);
	if (r == -ENOSPC)
		peer_count(c->self, COUNT_no_space);
	if (r != SFSHM_LEADER)
		return r;
	lead(c, &seen, f);
	if (!c->moving)
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
