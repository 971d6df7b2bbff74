/* SPDX-License-Identifier: MIT */
/* Work on keys without a flight: peek, forget, purge, invalidate. */
#include <errno.h>
#include <limits.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/liveness.h"
#include "store/deaths.h"
#include "sync/consult.h"

/*
 * If the policy's checks refuse a value, looks again: for a later result, or
 * for a value that serves as a stale one.
 */
static int peek_here(struct call *c)
{
	struct sighting seen;
	int r;

	do {
		r = look(c, &seen);
	} while (r == LOOK_HIT && flight_answer(c) != STEP_ANSWER);
	if (likely(r == LOOK_HIT))
		return c->answer;
	if (r == LOOK_FAILED) {
		if (c->result->code == SHM_CODE_UNCACHEABLE)
			return -ENODATA;
		peer_count(c->self, COUNT_neg_hits);
		return c->result->code == -ENOENT ? -ENOENT : -EREMOTEIO;
	}
	return r < 0 ? r : -ENODATA;
}

/*
 * Looks here, then in the predecessor, then here once more: a key found in
 * neither may just have moved.
 */
static int peek_around(struct call *c)
{
	int r = peek_here(c);

	if (likely(r != -ENODATA || c->pin ||
		   !load_relaxed(&c->self->map->predecessor)))
		return r;
	r = flight_consult(c, peek_here);
	return r == -ENODATA ? peek_here(c) : r;
}

int flight_peek(struct call *c)
{
	int r;

	peer_count(c->self, COUNT_gets);
	r = peek_around(c);
	if (unlikely(r == -ENODATA && c->settle_ms)) {
		c->settles = true;
		r = peek_around(c);
	}
	return r == -ENODATA && flight_moved(c) ? MOVED : r;
}

int flight_find(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	int r;

	do {
		epoch_enter(p);
		r = table_find(p, &c->key, seen);
		epoch_leave(p);
	} while (r == -EAGAIN);
	return r;
}

bool flight_reap_leader(struct peer *p, uint64_t ctl)
{
	uint32_t leader = ctl_owner(ctl) - 1;

	return ctl_owner(ctl) != p->id &&
	       life_examine(p->map, leader) == LIFE_DEAD &&
	       peer_reap(p->map, leader);
}

/* Forgets a removed key's dead leaders, so that its breaker is closed. */
static void forget_deaths(struct mapping *map, uint32_t hash)
{
	deaths_forget(map, hash, deaths_recall(map, hash));
}

static int forget_here(struct call *c)
{
	struct sighting seen;
	int r = 0;

	for (int n = 0; n < LOOK_MOST_TRIES && (r = flight_find(c, &seen)) == 1;
	     n++) {
		if (ctl_busy(seen.ctl) &&
		    !flight_reap_leader(c->self, seen.ctl))
			return -EBUSY;
		if (ctl_phase(seen.ctl) == PHASE_RETIRED)
			slot_unlink(c->self, seen.slot, seen.ctl);
		if (!ctl_at_rest(seen.ctl))
			continue;
		if (slot_retire(c->self, seen.slot, seen.ctl)) {
			peer_count(c->self, COUNT_forgets);
			forget_deaths(c->self->map, key_order(&c->key));
			return 0;
		}
	}
	if (r == 1)
		return -EBADMSG;
	if (!r)
		forget_deaths(c->self->map, key_order(&c->key));
	return r < 0 ? r : -ENODATA;
}

/* Combines the answers of a segment and its predecessor. */
static int answer_of_both(const struct call *c, int here, int there)
{
	if (flight_moved(c))
		return MOVED;
	if (here == 0 || here == -ENODATA)
		return there == -ENODATA ? here : there;
	return here;
}

/*
 * Forgets the predecessor's value first: a value that is being moved is stored
 * here before it is removed there, so this call finds it in one of the two.
 */
int flight_forget(struct call *c)
{
	int there = flight_consult(c, flight_forget);

	if (there == -EBUSY)
		return flight_moved(c) ? MOVED : there;
	return answer_of_both(c, forget_here(c), there);
}

/*
 * Changes the slot of a key, in whatever phase; `ctl` is the slot's word.
 * False: the phase does not allow the change, or the word has changed.
 */
typedef bool (*visit_fn)(struct peer *p, uint32_t slot, uint64_t ctl);

static bool purge(struct peer *p, uint32_t slot, uint64_t ctl)
{
	if (ctl_busy(ctl) && flight_reap_leader(p, ctl))
		ctl = load_seq(&p->map->slots[slot].ctl);
	if (!ctl_at_rest(ctl) || !slot_retire(p, slot, ctl))
		return false;
	peer_count(p, COUNT_forgets);
	return true;
}

/*
 * Retires the slot, as a steal does: the slot's leader learns of that when it
 * ends its flight. Leaves a slot in the making alone: the slot may not be
 * linked yet, and its flight has not begun, so that flight counts as later than
 * this call.
 */
static bool drop(struct peer *p, uint32_t slot, uint64_t ctl)
{
	if ((!ctl_at_rest(ctl) && ctl_phase(ctl) != PHASE_BUSY) ||
	    !slot_retire(p, slot, ctl))
		return false;
	peer_count(p, COUNT_invalidations);
	return true;
}

/*
 * Ends the field's lifetime at once. The caller does not own the field. So if
 * the slot changes meanwhile, the caller may cut short a later result with the
 * same lifetime; that result is then refreshed earlier than need be.
 */
static bool end_lifetime(struct peer *p, uint32_t slot, uint64_t ctl,
			 struct shm_front *f)
{
	uint64_t now = peer_clock(p, sys.coarse()), stored = front_stored(f);
	uint32_t ttl = load_relaxed(&f->ttl_ms);
	uint64_t age = now > stored ? (now - stored) / NS_PER_MS : 0;

	/* ORDER-X1 pairs ORDER-X2 */
	return front_fresh(f, now) &&
	       load_seq(&p->map->slots[slot].ctl) == ctl &&
	       cas_seq(&f->ttl_ms, ttl,
		       age < UINT32_MAX ? (uint32_t)age : UINT32_MAX - 1);
}

/*
 * FLIGHT-T18. True: the flight is marked. The mark must come before the look at
 * the value: if the flight replaces the value before it is marked, the CAS
 * fails, and the caller looks again and finds the flight's result.
 */
static bool mark_flight(struct shm_slot *s, uint64_t *ctl)
{
	uint64_t marked = *ctl | CTL_INVALID;

	if (ctl_phase(*ctl) != PHASE_BUSY || ctl_invalid(*ctl))
		return ctl_phase(*ctl) == PHASE_BUSY;
	if (!cas_seq(&s->ctl, *ctl, marked))
		return false;
	*ctl = marked;
	kill_point(flight_marked);
	return true;
}

static bool expire(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct shm_slot *s = &p->map->slots[slot];
	bool done;

	if (!ctl_at_rest(ctl) && !ctl_busy(ctl))
		return false;
	done = mark_flight(s, &ctl);
	if (ctl_has(ctl))
		done |= end_lifetime(p, slot, ctl,
				     slot_value(p->map, slot, ctl).front);
	if (ctl_phase(ctl) == PHASE_FAILED)
		done |= end_lifetime(p, slot, ctl,
				     slot_other(p->map, slot, ctl).front);
	if (done)
		peer_count(p, COUNT_invalidations);
	return done;
}

static bool unchanged(const struct call *c, const struct sighting *seen)
{
	return load_seq(&c->self->map->slots[seen->slot].ctl) == seen->ctl;
}

static int invalidate_here(struct call *c, bool hard)
{
	struct sighting seen;
	int r = 0;

	for (int n = 0; n < LOOK_MOST_TRIES && (r = flight_find(c, &seen)) == 1;
	     n++) {
		if (hard ? drop(c->self, seen.slot, seen.ctl) :
			   expire(c->self, seen.slot, seen.ctl))
			return 0;
		if (ctl_phase(seen.ctl) == PHASE_RETIRED)
			slot_unlink(c->self, seen.slot, seen.ctl);
		else if (ctl_phase(seen.ctl) == PHASE_MAKING ||
			 (!hard && unchanged(c, &seen)))
			return -ENODATA;
	}
	return r == 1 ? -EBADMSG : r < 0 ? r : -ENODATA;
}

static int invalidate_soft(struct call *c)
{
	return invalidate_here(c, false);
}

static int invalidate_hard(struct call *c)
{
	return invalidate_here(c, true);
}

int flight_invalidate(struct call *c, uint32_t flags)
{
	bool hard = flags & SFSHM_HARD;
	int there = flight_consult(c, hard ? invalidate_hard : invalidate_soft);

	return answer_of_both(c, invalidate_here(c, hard), there);
}

/*
 * Visits one slot until a visit changes the slot, or the word is the same after
 * a visit as before. A slot keeps its kind while its word stays the same.
 */
static bool visit_slot(struct peer *p, uint32_t slot, visit_fn what)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t ctl = load_seq(&s->ctl), seen;

	for (int n = 0; n < LOOK_MOST_TRIES; n++) {
		if (slot_kind(s) != SHM_VALUE)
			return false;
		seen = ctl;
		if (what(p, slot, seen))
			return true;
		ctl = load_seq(&s->ctl);
		if (ctl == seen)
			return false;
	}
	return false;
}

static int visit_here(struct peer *p, visit_fn what)
{
	uint32_t used = slots_used(p->map);
	int n = 0;

	for (uint32_t i = 0; i < used; i++)
		n += visit_slot(p, i, what) && n < INT_MAX;
	return n;
}

static int visit_all(struct peer *p, visit_fn what)
{
	struct mapping *old = mapping_predecessor(p->map);
	struct peer *there;
	int n, r = 0;

	if (old) {
		p->inside++;
		r = peer_attach(old, &there);
		if (!r)
			r = visit_here(there, what);
		p->inside--;
		mapping_put(old);
	}
	if (r < 0)
		return r;
	n = visit_here(p, what);
	return r > INT_MAX - n ? INT_MAX : n + r;
}

/* The predecessor's word comes first (TAGGING-5). */
int flight_invalidate_tag(struct peer *p, uint64_t tag)
{
	struct mapping *old = mapping_predecessor(p->map);

	if (old) {
		tagging_invalidate(old, tag);
		mapping_put(old);
	}
	tagging_invalidate(p->map, tag);
	peer_count(p, COUNT_invalidations);
	return load_acquire(&p->map->header->moved) ? MOVED : 0;
}

int flight_purge_all(struct peer *p)
{
	int n = visit_all(p, purge);

	/* After the slots: a slot that is retired leaves its deaths here. */
	deaths_forget_all(p->map);
	return n;
}

int flight_drop_all(struct peer *p)
{
	return visit_all(p, drop);
}

int flight_expire_all(struct peer *p)
{
	return visit_all(p, expire);
}
