/* SPDX-License-Identifier: MIT */
/* Waiting for a permit, and reaping dead holders. */
#include <errno.h>

#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/removal.h"
#include "store/owned.h"
#include "store/times.h"
#include "sync/deadlock.h"
#include "sync/detached.h"
#include "sync/leader.h"
#include "sync/permit.h"
#include "sync/semaphore.h"

/* How many holders a sleep has room for, beside events and relay words. */
#define MOST_HOLDERS (WAIT_MOST_WORDS - WAIT_OWN_WORDS - 2)

/* The holders of the permits, as many as the sleep has room for. */
struct holders {
	struct wait_word word[WAIT_MOST_WORDS - WAIT_OWN_WORDS];
	uint32_t count;
	uint32_t mine; /* permits that are the caller's own */
	bool freed;    /* a reaper has freed permits: try again */
	bool given;    /* a permit was free when its word was looked at */
};

static bool listed(const struct holders *h, const uint32_t *word)
{
	for (uint32_t i = 0; i < h->count; i++)
		if (h->word[i].word == word)
			return true;
	return false;
}

static void list(struct holders *h, uint32_t *word, uint32_t seen)
{
	h->word[h->count++] = (struct wait_word){
		.word = word,
		.seen = seen,
		.liveness = true,
	};
}

/*
 * Looks at one holder, and lists it if it is alive. If it is dead, reaps it. A
 * dead holder that another reaper is at work on is listed, too: that reaper
 * wakes the sleepers on the holder's word when it is done. `slice`: asks the
 * kernel about the holder first.
 */
static void meet(struct mapping *map, uint32_t index, bool slice,
		 struct holders *h)
{
	struct shm_participant *rec = participant_at(map, index);
	uint32_t seen, *word;

	if (!rec)
		return;
	word = liveness_word(map, rec);
	if (slice)
		life_examine(map, index);
	if (life_proven_dead(map, rec, &seen)) {
		sys.wake(word, INT32_MAX);
		if (peer_reap(map, index)) {
			h->freed = true;
			return;
		}
	}
	if (h->count < MOST_HOLDERS && !listed(h, word))
		list(h, word, seen);
}

static void meet_all(struct peer *p, const struct semaphore *s, bool slice,
		     struct holders *h)
{
	const struct peer *there = s->map == p->map ? p :
						      peer_attached(s->map, 0);
	uint32_t self = there ? there->id : 0, top = semaphore_top(s);

	for (uint32_t i = 0; i < top; i++) {
		uint32_t word = load_seq(semaphore_word(s, i));
		uint32_t id = permit_holder(word);

		if (!id)
			h->given = true;
		else if (id == self)
			h->mine += !(word & PERMIT_DETACHED);
		else
			meet(s->map, id - 1, slice, h);
	}
}

/*
 * Tries to take a permit. If none is free, reaps the dead holders and lists the
 * living ones in *h. A holder that gives its permit back meanwhile is not
 * listed. If that holder dies before it wakes a waiter, no word that this
 * caller sleeps on changes. So a caller that has seen a free permit tries once
 * more. A caller that has reaped a holder tries again, too.
 */
static int attempt(struct acquire *a, bool slice, struct holders *h)
{
	for (int looks = 0;; looks++) {
		int r;

		h->count = h->mine = 0;
		h->freed = h->given = false;
		r = semaphore_take(a->self, a->s, &a->hint);
		if (r != -EBUSY)
			return r;
		meet_all(a->self, a->s, slice, h);
		if (a->s->before)
			meet_all(a->self, a->s->before, slice, h);
		if (!h->freed && (!h->given || looks))
			return -EBUSY;
		slice = false;
	}
}

/*
 * Whether the token `first`, which ends the call even if a permit is free, has
 * fired. False if the call has no such token.
 */
static bool cancelled_first(const struct acquire *a)
{
	if (likely(!a->first) || !load_acquire(&a->first->word))
		return false;
	peer_count(a->self, COUNT_cancels);
	return true;
}

/*
 * Ends a cancelled waiter's call: passes on a wake that the waiter may have got
 * (SEMAPHORE-5), and returns -ECANCELED.
 */
static int leave_cancelled(const struct acquire *a)
{
	const struct semaphore *before = a->s->before;

	event_wake_one(a->self->map, &a->self->map->cold[a->s->slot].event);
	if (before)
		event_wake_one(before->map,
			       &before->map->cold[before->slot].event);
	return -ECANCELED;
}

/*
 * Whether no permit can come back before this caller goes on: the caller holds
 * all of them, or one other thread holds all of them and waits for this caller.
 * Permits of a process do not count, because any of its threads can give them
 * back; for them, detached_circle() finds out whether the caller's task would
 * wait for itself.
 */
static bool nobody_can_give(const struct acquire *a, const struct holders *h)
{
	if (unlikely(a->task) &&
	    detached_circle(a->self->map, a->task, a->s->slot))
		return true;
	if (h->mine)
		return h->mine >= semaphore_max(a->s);
	return h->count == 1 &&
	       deadlock_would_be(a->self, a->self->map, a->s->slot);
}

/* Why the wait is to end without a permit; or 0. */
static int given_up(const struct acquire *a)
{
	struct peer *p = a->self;

	if (load_acquire(a->closing) != a->closing_seen)
		return -ESHUTDOWN;
	if (load_acquire(&p->map->header->moved))
		return MOVED;
	if (a->cancel && load_acquire(&a->cancel->word)) {
		peer_count(p, COUNT_cancels);
		return -ECANCELED;
	}
	if (a->deadline && sys.now() >= a->deadline) {
		peer_count(p, COUNT_timeouts);
		return -ETIMEDOUT;
	}
	return 0;
}

static void reap_all(struct acquire *a)
{
	peer_reap_all(a->self->map);
	if (a->s->before)
		peer_reap_all(a->s->before->map);
}

static inline uint32_t *bypassed_of(const struct acquire *a)
{
	return &semaphore_head(a->s)->bypassed;
}

/*
 * Looks at everything once, and sleeps. Sets *slice if the sleep ended without
 * a wake. The waiter tries for a permit before it looks for a reason to leave,
 * so it never leaves with a wake that another waiter needs.
 */
static int wait_once(struct acquire *a, struct wait *w, struct holders *h,
		     bool *slice)
{
	struct semaphore *before = a->s->before;
	uint32_t seen = 0, *event = NULL;
	int r;

	w->event_seen = event_arm(w->event);
	/* SEMAPHORE-8: the record notes the slot, as waited at. */
	if (!semaphore_stays(a->s))
		return MOVED;
	cas_relaxed(bypassed_of(a), 0, 1);
	if (before) {
		event = &before->map->cold[before->slot].event;
		seen = event_arm(event);
	}
	if (cancelled_first(a))
		return leave_cancelled(a);
	r = attempt(a, *slice, h);
	if (r != -EBUSY)
		return r;
	if (nobody_can_give(a, h)) {
		peer_count(a->self, COUNT_deadlocks);
		return -EDEADLK;
	}
	r = given_up(a);
	if (r)
		return r;
	if (before)
		h->word[h->count++] = (struct wait_word){ event, seen, false };
	w->more_count = h->count;
	r = wait_sleep(w);
	*slice = r == -EAGAIN;
	if (*slice) {
		peer_count(a->self, COUNT_rechecks);
		removal_look_if_due(a->self->map);
	} else if (!wait_over(w)) {
		/* A dying thread passed the wake on. */
		reap_all(a);
	}
	return AGAIN;
}

void acquire_begin_to_wait(struct acquire *a)
{
	a->deadline = call_deadline(a->timeout_ms, a->deadline);
	a->timeout_ms = 0;
	if (!a->since)
		a->since = sys.coarse();
}

/*
 * SEMAPHORE-6, once a caller has taken a permit. `due`: `bypassed` said that
 * the caller must let waiters go first. `deferred`: there were waiters, and the
 * caller let them go first.
 */
static void count_bypass(const struct acquire *a, bool waited, bool due,
			 bool deferred)
{
	uint32_t *event = &a->self->map->cold[a->s->slot].event;
	uint32_t *bypassed = bypassed_of(a), n = load_relaxed(bypassed);

	if (waited)
		store_relaxed(bypassed, !deferred && event_awaited(event));
	else if (due)
		store_relaxed(bypassed, 0);
	else if (n && n <= SEMAPHORE_BYPASSES)
		store_relaxed(bypassed, n + 1);
}

static void let_others_go_first(const struct acquire *a, struct wait *w)
{
	uint64_t until = sys.now() + SEMAPHORE_DEFER_NS;

	wait_rest(a->self);
	w->event_seen = event_arm(w->event);
	w->until = a->deadline && a->deadline < until ? a->deadline : until;
	(void)wait_sleep(w);
	w->until = a->deadline;
}

/*
 * The waiter notes its wait in its record before anything else, so that
 * sfshm-dump counts it. If it dies with a wake that other waiters need, its
 * reaper finds the note and wakes them.
 */
static int wait_for_one(struct acquire *a, bool deferring)
{
	struct peer *p = a->self;
	struct futex_waitv words[WAIT_MOST_WORDS];
	struct holders h;
	struct wait w = {
		.self = p,
		.words = words,
		.more = h.word,
		.event = &p->map->cold[a->s->slot].event,
		.relay = &p->map->header->relay,
		.cancel = a->cancel,
		.closing = a->closing,
		.closing_seen = a->closing_seen,
	};
	bool slice = false;
	int r;

	acquire_begin_to_wait(a);
	if (a->s->before)
		w.relay_before = &a->s->before->map->header->relay;
	w.until = a->deadline;
	store_relaxed(&p->task, a->task);
	wait_note(p->record, a->s->slot);
	if (deferring)
		let_others_go_first(a, &w);
	do {
		r = wait_once(a, &w, &h, &slice);
	} while (r == AGAIN);
	wait_unnote(p->record);
	return r;
}

uint64_t semaphore_dead(const struct semaphore *s)
{
	uint32_t top = semaphore_top(s), word;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < top; i++) {
		uint32_t id = permit_holder(load_seq(semaphore_word(s, i)));
		struct shm_participant *rec =
			id ? participant_at(s->map, id - 1) : NULL;

		if (rec && life_proven_dead(s->map, rec, &word))
			sum += ((uint64_t)id << 32 | word) *
			       UINT64_C(0x9e3779b97f4a7c15);
	}
	return sum;
}

void semaphore_each_holder(const struct semaphore *s,
			   void (*tell)(struct mapping *map, uint32_t index))
{
	uint32_t top = semaphore_top(s), last = 0;

	for (uint32_t i = 0; i < top; i++) {
		uint32_t id = permit_holder(load_seq(semaphore_word(s, i)));

		if (id && id != last && participant_at(s->map, id - 1))
			tell(s->map, id - 1);
		last = id;
	}
}

static void examine(struct mapping *map, uint32_t index)
{
	(void)life_examine(map, index);
}

void semaphore_examine(const struct semaphore *s)
{
	semaphore_each_holder(s, examine);
}

/* Whether this call has had a wait for a permit parked. */
static inline bool was_parked(const struct acquire *a)
{
	return a->how == ACQUIRE_PARKS && a->park->permit;
}

/*
 * The park has room for one event. While a permit is held in the predecessor,
 * the call looks again after each slice, and a permit that is free here may be
 * no use. This function looks into the predecessor once, after attempt(): if
 * the holder has given the permit back meanwhile, a permit that is free here
 * makes the wait ready.
 */
static void park_note(const struct acquire *a, bool deferring)
{
	const struct semaphore *before = a->s->before;
	bool held_there = before && semaphore_held(before);
	struct park *park = a->park;
	uint64_t now = sys.now();

	park->map = a->self->map;
	park->serial = a->self->map->serial;
	park->ctl = a->s->ctl;
	park->slot = a->s->slot;
	park->owner = PARK_NO_OWNER;
	park->until = a->deadline;
	/* A holder may be dead before its record can be reaped: in exec(2). */
	if (held_there || park->dead)
		park->until = ns_earlier(park->until, now + 100 * NS_PER_MS);
	if (deferring)
		park->until = ns_earlier(park->until, now + SEMAPHORE_DEFER_NS);
	park->asked = false;
	park->proof = true;
	park->permit = true;
	park->deferred = deferring;
	park->shunned = deferring || held_there;
	park->joined = park->tag_clock = park->defers_until = 0;
	park->since = a->since;
	park->deadline = a->deadline;
}

/* Announces the wait, and looks at everything once, as wait_once() does. */
static int park_once(struct acquire *a, bool deferring)
{
	struct peer *p = a->self;
	struct park *park = a->park;
	bool ask = was_parked(a) && leader_ask_now(p);
	struct holders h;
	int r;

	polled_note(p->map, a->s->slot, p->id, &park->note);
	park->event_seen = event_arm_polled(&p->map->cold[a->s->slot].event);
	cas_relaxed(bypassed_of(a), 0, 1);
	/* A death after this look makes the wait ready. */
	park->dead = semaphore_dead(a->s);
	r = deferring ? -EBUSY : attempt(a, ask, &h);
	if (r == -EBUSY)
		r = given_up(a) ?: -EINPROGRESS;
	if (r != -EINPROGRESS) {
		polled_unnote(p->map, &park->note);
		return r;
	}
	peer_count(p, COUNT_waits);
	park_note(a, deferring);
	return r;
}

/*
 * As wait_for_one(), for a wait that no thread sleeps for. It takes no wake
 * from another waiter (POLLED-2), so it passes none on. The thread may give
 * back permits that it holds itself, so the call looks for no circle.
 */
static int park_for_one(struct acquire *a, bool deferring)
{
	struct peer *p = a->self;
	uint32_t slot = a->s->slot;
	int r = MOVED;

	acquire_begin_to_wait(a);
	/* SEMAPHORE-8: the record notes the slot, as owned. */
	owned_note(p, slot);
	if (semaphore_stays(a->s))
		r = park_once(a, deferring);
	owned_drop(p, slot);
	return r;
}

static int acquire_slowly(struct acquire *a)
{
	bool tries = a->how == ACQUIRE_TRIES, parked = was_parked(a);
	bool due = !tries && !parked &&
		   load_relaxed(bypassed_of(a)) > SEMAPHORE_BYPASSES;
	bool deferring = due && peer_waiters(a->self->map, a->s->slot), waits;
	struct holders h;
	int r;

	if (parked)
		a->since = a->park->since;
	permit_trim_if_due(a->self);
	r = deferring ? -EBUSY : semaphore_take(a->self, a->s, &a->hint);
	waits = r == -EBUSY && !tries;
	if (waits && a->how == ACQUIRE_PARKS)
		r = park_for_one(a, deferring);
	else if (waits)
		r = wait_for_one(a, deferring);
	else if (r == -EBUSY)
		/* A caller that tries has no slice: it asks the kernel now. */
		r = attempt(a, true, &h);
	if (a->since && r != MOVED && r != -EINPROGRESS)
		times_add_since(&a->self->record->waited, a->since,
				sys.coarse());
	if (!r)
		count_bypass(a, waits || parked, due,
			     deferring || (parked && a->park->deferred));
	return r;
}

int semaphore_acquire(struct acquire *a)
{
	struct peer *p = a->self;
	int r = -EBUSY;

	if (cancelled_first(a))
		return -ECANCELED;
	if (likely(!load_relaxed(bypassed_of(a))))
		r = semaphore_take(p, a->s, &a->hint);
	if (unlikely(r == -EBUSY))
		r = acquire_slowly(a);
	if (unlikely(r))
		return r;
	p->permits++;
	peer_count(p, COUNT_permits);
	return 0;
}
