/* SPDX-License-Identifier: MIT */
/* Waiting for another one's flight, and what to do when its leader is gone. */
#include <errno.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/wait.h"
#include "store/claims.h"
#include "sync/flight.h"

/* The leader is proven dead: one follower's CAS makes it the leader. */
static int take_over(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	struct shm_slot *s = &p->map->slots[seen->slot];
	uint32_t dead = ctl_owner(seen->ctl) - 1;

	if (c->flags & SFSHM_FOLLOW) {
		if (flight_abandon(p, seen->slot, seen->ctl))
			flight_note_death(p, seen->slot);
		event_wake(&s->event, true);
		peer_reap(p->map, dead);
		return AGAIN;
	}
	if (flight_claim(c, seen) == AGAIN)
		return AGAIN;
	kill_point(flight_taken);
	flight_note_death(p, seen->slot);
	peer_count(p, COUNT_takeovers);
	c->result->owner_died = 1;
	peer_reap(p->map, dead);
	return SFSHM_LEADER;
}

/*
 * The leader lives, or may: the key moves to a new slot, and this one stays
 * the leader's until it learns of it.
 */
static void steal(struct call *c, const struct sighting *seen)
{
	if (slot_retire(c->self, seen->slot, seen->ctl))
		peer_count(c->self, COUNT_steals);
}

/*
 * When the leader's time is up, ns; 0: never. A leader that stopped between
 * its claim and noting its start is held to this caller's own measure.
 */
static uint64_t lease_end(struct call *c, const struct shm_slot *s,
			  uint64_t ctl, uint64_t now)
{
	/* order: B2 pairs B1 */
	uint64_t began = started_ns(load_acquire(&s->started), ctl_gen(ctl));
	uint64_t ms = load_relaxed(&s->lease_ms);

	if (!began) {
		if (c->unnoted_gen != ctl_gen(ctl))
			c->unnoted_since = now;
		c->unnoted_gen = ctl_gen(ctl);
		began = c->unnoted_since;
		ms = c->policy->lock_age_ms;
	}
	return ms ? began + ms * NS_PER_MS : 0;
}

static int given_up(struct call *c, uint64_t now)
{
	const struct sfshm_policy *pol = c->policy;

	if (load_acquire(c->closing) != c->closing_seen)
		return -ESHUTDOWN;
	if (pol->cancel && load_acquire(&pol->cancel->word)) {
		peer_count(c->self, COUNT_cancels);
		return -ECANCELED;
	}
	if (pol->deadline_ns && now >= pol->deadline_ns) {
		peer_count(c->self, COUNT_timeouts);
		return -ETIMEDOUT;
	}
	return 0;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a ? b : !b ? a : a < b ? a : b;
}

/* Woken, and nothing of ours has changed: a dying follower passed it on. */
static bool stray_wake(const struct wait *w)
{
	return load_acquire(w->event) == w->event_seen &&
	       load_acquire(liveness_word(w->self->map, w->owner)) ==
		       w->owner_seen;
}

static void sleep_once(struct call *c, const struct sighting *seen,
		       struct wait *w)
{
	struct mapping *map = c->self->map;
	int r = wait_sleep(w);

	c->slept++;
	if (r == -EAGAIN) {
		peer_count(c->self, COUNT_rechecks);
		if (life_examine(map, ctl_owner(seen->ctl) - 1) ==
		    LIFE_SUSPECT) {
			peer_count(c->self, COUNT_suspects);
			steal(c, seen);
		}
	} else if (stray_wake(w)) {
		peer_reap_all(map);
	}
}

/* One look at the leader, and a sleep if it is well. */
static int follow_once(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	struct shm_slot *s = &p->map->slots[seen->slot];
	struct wait w = {
		.self = p,
		.event = &s->event,
		.owner = participant_at(p->map, ctl_owner(seen->ctl) - 1),
		.cancel = c->policy->cancel,
		.closing = c->closing,
		.closing_seen = c->closing_seen,
	};
	uint64_t lease, now;
	int r;

	if (!w.owner)
		return -EBADMSG;
	w.event_seen = event_arm(&s->event);
	if (load_seq(&s->ctl) != seen->ctl)
		return AGAIN;
	now = sys.now();
	r = given_up(c, now);
	if (r)
		return r;
	if (life_proven_dead(p->map, w.owner, &w.owner_seen)) {
		sys.wake(liveness_word(p->map, w.owner), INT32_MAX);
		return take_over(c, seen);
	}
	lease = lease_end(c, s, seen->ctl, now);
	if (lease && now >= lease) {
		steal(c, seen);
		return AGAIN;
	}
	w.until = earlier(c->policy->deadline_ns, lease);
	sleep_once(c, seen, &w);
	return AGAIN;
}

/*
 * The wait is noted in the record before anything else, so that the dump
 * counts it, and a reaper wakes those who wait with it should it die with a
 * wake of theirs.
 */
int flight_follow(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	int r;

	if (!c->joined)
		c->joined = ctl_gen(seen->ctl);
	c->waited_at = &p->map->slots[seen->slot].event;
	store_relaxed(&p->record->wait_slot, seen->slot + 1);
	r = follow_once(c, seen);
	store_relaxed(&p->record->wait_slot, 0);
	return r;
}

/*
 * A caller that leaves without leading may have had the one wake that a
 * release gives: it passes it on. Then it owes nothing any more (W3).
 */
void flight_unfollow(struct call *c, bool leads)
{
	if (!c->waited_at)
		return;
	if (!leads)
		event_wake(c->waited_at, false);
	wait_done();
}
