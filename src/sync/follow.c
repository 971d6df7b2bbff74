/* SPDX-License-Identifier: MIT */
#include "sync/follow.h"

#include <errno.h>

#include "os/killpoint.h"
#include "os/probe.h"
#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/removal.h"
#include "store/history.h"
#include "store/owned.h"
#include "sync/claim.h"
#include "sync/deadlock.h"
#include "sync/detached.h"
#include "sync/lead.h"
#include "sync/leader.h"
#include "sync/savenote.h"

/* Whether this death opens the breaker, so that nobody takes over. */
static bool breaks_now(const struct call *c, const struct sighting *seen)
{
	const struct shm_slot *s = &c->self->map->slots[seen->slot];

	return deaths_reach(load_relaxed(&s->deaths),
			    c->policy->breaker_deaths);
}

/*
 * Ends a dead leader's flight, which this caller does not take over. `fails`:
 * the flight ends with the failure that the leader has left.
 */
static enum step end_lost(struct call *c, const struct sighting *seen,
			  bool fails)
{
	struct peer *p = c->self;

	/* Only a follower that has slept shares the failure. */
	if (fails && !c->wait.slept)
		c->wait.joined = 0;
	flight_abandon(p, seen->slot, seen->ctl);
	event_wake(p->map, &p->map->cold[seen->slot].event, true);
	peer_reap(p->map, ctl_owner(seen->ctl) - 1);
	return STEP_AGAIN;
}

/*
 * The leader is proven dead. The caller becomes the new leader; or, if it may
 * not lead or the flight is to fail, it ends the flight. If several callers
 * try, the first CAS decides.
 */
static enum step take_over(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	uint32_t dead = ctl_owner(seen->ctl);
	enum step step;
	bool fails;

	flight_note_death(p, seen->slot, seen->ctl);
	fails = flight_fails_if_lost(p->map, seen->slot, seen->ctl);
	if (fails || c->flags & SFSHM_FOLLOW || breaks_now(c, seen) ||
	    call_cancelled(c))
		return end_lost(c, seen, fails);
	step = claim_take(c, seen);
	if (step == STEP_LEAD)
		step = flight_claim(c, seen);
	if (step != STEP_LEAD)
		return step;
	kill_point(flight_taken);
	peer_count(p, COUNT_takeovers);
	history_rare(p, EVENT_taken_over, seen->slot,
		     history_hash(p->map, seen->slot), ctl_gen(seen->ctl),
		     history_process(p, dead));
	/* A writer that died as it drained a lock had changed nothing. */
	c->result->owner_died = key_kind(&c->key) != SHM_LOCK ||
				seen->ctl & LOCK_ORPHANED;
	/* Reap the dead leader after the work: callers wait for the work. */
	c->wait.reap = dead;
	return STEP_LEAD;
}

/*
 * Takes the key from a leader that may be alive: the key moves to a new slot,
 * and the old slot stays the leader's until the leader learns of that. A caller
 * that needs a claim takes the claim first, because it cannot lead without it.
 */
static enum step steal(struct call *c, const struct sighting *seen)
{
	enum step step = claim_take(c, seen);
	struct peer *p = c->self;
	uint32_t hash = history_hash(p->map, seen->slot);

	if (step != STEP_LEAD)
		return step;
	if (slot_retire(p, seen->slot, seen->ctl)) {
		uint32_t from = history_process(p, ctl_owner(seen->ctl));

		peer_count(p, COUNT_steals);
		probe_point(steal, hash, seen->slot, ctl_gen(seen->ctl), from);
		history_rare(p, EVENT_stolen, seen->slot, hash,
			     ctl_gen(seen->ctl), from);
	}
	return STEP_AGAIN;
}

/*
 * Passes over a leader that is not proven dead: its lease ended at `end`, or,
 * if that is 0, it is suspected to be dead. A save's writer whose file is in
 * place and serves this caller keeps its flight; any other leader loses its
 * flight.
 */
static enum step pass_over(struct call *c, const struct sighting *seen,
			   uint64_t end)
{
	if (key_kind(&c->key) == SHM_SAVE && save_serves(c, seen, end)) {
		peer_count(c->self, COUNT_loads_deduped);
		return call_answer(c, c->result->source);
	}
	return steal(c, seen);
}

void follow_recheck(struct call *c, const struct sighting *seen)
{
	struct peer *p = c->self;

	peer_count(p, COUNT_rechecks);
	removal_look_if_due(p->map);
	if (leader_examine(c, seen) == LEADER_OVERDUE) {
		peer_count(p, COUNT_suspects);
		/* A writer's file may be in place: pass_over() looks. */
		if (key_kind(&c->key) == SHM_SAVE)
			c->wait.suspected = seen->ctl;
		else /* The caller looks again in any case. */
			(void)steal(c, seen);
	}
}

/*
 * Looks once at the leader, w->owner. If the leader is dead, takes the flight
 * over or ends it; if the leader is past its lease or suspected to be dead,
 * passes over it. STEP_SLEEP: the leader is well, w->owner_seen is its liveness
 * word as read, and w->until is the end of its lease, or 0.
 */
static enum step replace_if_gone(struct call *c, struct sighting *seen,
				 struct wait *w, uint64_t now)
{
	switch (leader_look(c, seen, w->owner, now, &w->owner_seen,
			    &w->until)) {
	case LEADER_DEAD:
		sys.wake(liveness_word(c->self->map, w->owner), INT32_MAX);
		return take_over(c, seen);
	case LEADER_OVERDUE: return pass_over(c, seen, w->until);
	default:
		return c->wait.suspected == seen->ctl ? pass_over(c, seen, 0) :
							STEP_SLEEP;
	}
}

/* Does replace_if_gone() for a caller that does not sleep. */
static enum step replace_now(struct call *c, struct sighting *seen)
{
	struct mapping *map = c->self->map;
	struct wait w = {
		.owner = participant_at(map, ctl_owner(seen->ctl) - 1),
	};

	if (!w.owner)
		return call_answer(c, -EBADMSG);
	if (load_seq(&map->slots[seen->slot].ctl) != seen->ctl)
		return STEP_AGAIN;
	return replace_if_gone(c, seen, &w, sys.now());
}

enum step flight_replace(struct call *c, struct sighting *seen)
{
	enum step step;

	if (leader_examine(c, seen) == LEADER_OVERDUE) {
		peer_count(c->self, COUNT_suspects);
		return pass_over(c, seen, 0);
	}
	step = replace_now(c, seen);
	return step == STEP_SLEEP ? STEP_AGAIN : step;
}

enum step flight_try(struct call *c, struct sighting *seen)
{
	enum step step;

	/*
	 * Both branches may ask the kernel: otherwise a caller that never waits
	 * would not learn of a death that the kernel did not mark.
	 */
	if (key_kind(&c->key) == SHM_LOCK)
		(void)leader_examine(c, seen);
	else if (leader_is_gone(c, seen))
		return flight_replace(c, seen);
	step = replace_now(c, seen);
	return step == STEP_SLEEP ? call_answer(c, -EBUSY) : step;
}

/*
 * Before the first wait, notes which flight's result will do, and how long the
 * wait may take.
 */
static void begin_to_wait(struct call *c, const struct sighting *seen)
{
	const struct sfshm_policy *pol = c->policy;

	/*
	 * A caller that comes after an invalidation must not share a flight
	 * that began before it.
	 */
	call_join(c, seen->slot, ctl_gen(seen->ctl) + ctl_invalid(seen->ctl));
	if (!c->wait.deadline)
		c->wait.deadline =
			call_deadline(pol->wait_timeout_ms, pol->deadline_ns);
}

/*
 * Whether too many wait. The count includes this caller, so of two that come at
 * once both may leave. A caller that has waited and looks again stays.
 */
static bool crowded(struct call *c, uint32_t slot)
{
	uint32_t most = c->policy->max_waiters;

	if (!most || c->wait.waited || peer_waiters(c->self->map, slot) <= most)
		return false;
	peer_count(c->self, COUNT_crowded);
	return true;
}

/*
 * CLAIM-4: a follower that must take a claim before it leads asks for a wake of
 * all waiters.
 */
static uint32_t announce(const struct call *c, uint32_t *event)
{
	return unlikely(c->claim.flight != NULL) ? event_arm_all(event) :
						   event_arm(event);
}

/*
 * Called once the follower has looked for the value that it slept for, and has
 * cleared its noted wait, because the policy's function may take long.
 */
enum step follow_interrupted(struct call *c)
{
	const struct sfshm_policy *pol = c->policy;

	if (!c->wait.slept ||
	    (!(c->wait.signalled && c->flags & SFSHM_INTR) &&
	     !(pol->interrupted && pol->interrupted(pol->arg))))
		return STEP_AGAIN;
	return call_answer(c, -EINTR);
}

/*
 * The follower notes its wait in its record before anything else, so that
 * sfshm-dump counts it. If it dies with a wake that other waiters need, its
 * reaper finds the note and wakes them.
 */
enum step follow_join(struct call *c, const struct sighting *seen,
		      struct wait *w)
{
	struct peer *p = c->self;
	uint32_t *event = &p->map->cold[seen->slot].event;

	begin_to_wait(c, seen);
	/* Only the present holder is to learn of an earlier holder's death. */
	c->result->owner_died = 0;
	/* DEADLOCK-2: follow_no_circle() looks for a circle after this. */
	store_relaxed(&p->task, c->policy->task);
	wait_note(p->record, seen->slot);
	if (crowded(c, seen->slot))
		return call_answer(c, -EAGAIN);
	c->wait.waited = true;
	c->wait.event = event;
	kill_point(wait_joined);
	w->self = p;
	w->event = event;
	w->event_seen = announce(c, event);
	if (load_seq(&p->map->slots[seen->slot].ctl) != seen->ctl)
		return STEP_AGAIN;
	/*
	 * Only a call made for an asker in the new segment (sync/consult.h)
	 * waits in a removed segment. Any other call goes to the new segment.
	 */
	if (removal_known(p->map) && !c->resize.asker)
		return STEP_MOVED;
	return STEP_SLEEP;
}

enum step follow_or_replace(struct call *c, struct sighting *seen,
			    struct wait *w)
{
	uint64_t now = sys.now();
	enum step step;
	int r;

	w->owner = participant_at(c->self->map, ctl_owner(seen->ctl) - 1);
	w->cancel = c->policy->cancel;
	w->closing = c->closing;
	w->closing_seen = c->closing_seen;
	w->more = c->also;
	w->more_count = c->also != NULL;
	if (!w->owner)
		return call_answer(c, -EBADMSG);
	r = call_given_up(c, now);
	if (r)
		return call_answer(c, r);
	step = replace_if_gone(c, seen, w, now);
	w->until = ns_earlier(c->wait.deadline, w->until);
	return step;
}

enum step follow_no_circle(struct call *c, const struct sighting *seen)
{
	struct peer *p = c->self;
	uint64_t task = c->policy->task;

	if (likely(!deadlock_would_be(p, call_newest(c), seen->slot) &&
		   !(task && detached_circle(p->map, task, seen->slot))))
		return STEP_SLEEP;
	peer_count(p, COUNT_deadlocks);
	return call_answer(c, -EDEADLK);
}

/* As follow_join(), for a wait that no thread sleeps for. */
static enum step park_join(struct call *c, const struct sighting *seen,
			   struct wait *w)
{
	struct mapping *map = c->self->map;

	begin_to_wait(c, seen);
	c->result->owner_died = 0;
	polled_note(map, seen->slot, c->self->id, &c->park->note);
	if (crowded(c, seen->slot))
		return call_answer(c, -EAGAIN);
	/* LOCK-1: a wake takes the announcement away. */
	if (key_kind(&c->key) == SHM_LOCK)
		cas_relaxed(&map->cold[seen->slot].bypassed, 0, 1);
	c->wait.waited = true;
	w->self = c->self;
	w->event = &map->cold[seen->slot].event;
	w->event_seen = event_arm_polled(w->event);
	if (load_seq(&map->slots[seen->slot].ctl) != seen->ctl)
		return STEP_AGAIN;
	return removal_known(map) && !c->resize.asker ? STEP_MOVED : STEP_SLEEP;
}

/*
 * The last step to a parked wait. If `step` says that the call need not wait,
 * takes the note of the wait away.
 */
static enum step park_end(struct call *c, const struct sighting *seen,
			  const struct wait *w, uint32_t owner, enum step step)
{
	struct park *park = c->park;

	if (step != STEP_SLEEP) {
		polled_unnote(c->self->map, &park->note);
		return step;
	}
	peer_count(c->self, COUNT_waits);
	park->map = c->self->map;
	park->serial = c->self->map->serial;
	park->ctl = seen->ctl;
	park->slot = seen->slot;
	park->event_seen = w->event_seen;
	park->owner = owner;
	park->owner_seen = w->owner_seen;
	park->until = w->until;
	park->asked = c->resize.asker != NULL;
	park->proof = key_kind(&c->key) == SHM_LOCK;
	park->permit = false;
	park->joined = c->wait.joined;
	park->tag_clock = c->wait.tag_clock;
	park->since = c->wait.since;
	park->defers_until = c->wait.defers_until;
	park->deadline = c->wait.deadline;
	return call_answer(c, -EINPROGRESS);
}

enum step flight_park(struct call *c, struct sighting *seen)
{
	struct wait w = { 0 };
	enum step step;

	/* Like a sleeper after a slice, asks the kernel about the leader. */
	if (c->wait.waited && leader_is_gone(c, seen))
		return flight_replace(c, seen);
	step = park_join(c, seen, &w);
	if (step == STEP_SLEEP)
		step = follow_or_replace(c, seen, &w);
	return park_end(c, seen, &w, ctl_owner(seen->ctl) - 1, step);
}

enum step flight_park_at(struct call *c, const struct sighting *seen,
			 flight_owner_fn find)
{
	struct wait w = { 0 };
	uint32_t owner = PARK_NO_OWNER;
	enum step step = park_join(c, seen, &w);
	int r;

	if (step == STEP_SLEEP && !find(c, seen->slot, &owner, &w.owner_seen))
		step = STEP_AGAIN;
	r = step == STEP_SLEEP ? call_given_up(c, sys.now()) : 0;
	if (r)
		step = call_answer(c, r);
	w.until = c->wait.deadline;
	return park_end(c, seen, &w, owner, step);
}

bool flight_defers(const struct call *c, const struct sighting *seen)
{
	const struct sfshm_cancel *cancel = c->policy->cancel;
	uint64_t now;

	if (key_kind(&c->key) != SHM_LOCK ||
	    ctl_phase(seen->ctl) != LOCK_KEPT || c->flags & SFSHM_TRY ||
	    (c->wait.joined && c->wait.joined <= ctl_gen(seen->ctl)))
		return false;
	if (!c->wait.defers_until)
		return true;
	now = sys.now();
	return now < c->wait.defers_until &&
	       (!c->wait.deadline || now < c->wait.deadline) &&
	       !(cancel && load_acquire(&cancel->word)) &&
	       load_acquire(c->closing) == c->closing_seen;
}

/* This call has not waited for the hold that ended: it joins the next. */
static void begin_to_defer(struct call *c, const struct sighting *seen)
{
	c->wait.joined = ctl_gen(seen->ctl) + 1;
	if (!c->wait.defers_until)
		c->wait.defers_until = sys.now() + LOCK_DEFER_NS;
}

static enum step park_deferring(struct call *c, const struct sighting *seen)
{
	struct wait w = { 0 };
	enum step step = park_join(c, seen, &w);

	begin_to_defer(c, seen);
	w.until = ns_earlier(c->wait.deadline, c->wait.defers_until);
	return park_end(c, seen, &w, PARK_NO_OWNER, step);
}

enum step flight_defer(struct call *c, const struct sighting *seen)
{
	struct futex_waitv words[WAIT_OWN_WORDS];
	struct wait w = {
		.words = words,
		.cancel = c->policy->cancel,
		.closing = c->closing,
		.closing_seen = c->closing_seen,
	};
	enum step step;

	if (c->flags & CALL_PARKS)
		return park_deferring(c, seen);
	step = follow_join(c, seen, &w);
	begin_to_defer(c, seen);
	if (step == STEP_SLEEP) {
		w.until = ns_earlier(c->wait.deadline, c->wait.defers_until);
		wait_sleep(&w);
		c->wait.slept++;
		step = STEP_AGAIN;
	}
	wait_unnote(c->self->record);
	return step;
}
