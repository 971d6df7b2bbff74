/* SPDX-License-Identifier: MIT */
/* Waiting for a permit, and what to do about holders that are gone. */
#include <errno.h>

#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/removal.h"
#include "sync/semaphore.h"

/* What may be slept on besides the events and the relay words. */
#define MOST_HOLDERS (WAIT_MOST_WORDS - WAIT_OWN_WORDS - 2)

/* Who holds the permits, as far as the sleep has room for them. */
struct holders {
	struct wait_word word[WAIT_MOST_WORDS - WAIT_OWN_WORDS];
	uint32_t count;
	uint32_t mine; /* permits that are the caller's own */
	bool freed;    /* some of the dead's were given back: try again */
	bool given;    /* a permit was free by the time it was looked at */
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
 * One holder. A dead one is reaped, unless somebody is at it, who wakes those
 * that sleep on its word when he is done.
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
		uint32_t id = permit_holder(load_seq(semaphore_word(s, i)));

		if (!id)
			h->given = true;
		else if (id == self)
			h->mine++;
		else
			meet(s->map, id - 1, slice, h);
	}
}

/*
 * Takes a permit. If there is none, looks after those who have them; those who
 * live are in *h then. Who has given one back in between is not: should it have
 * died before it woke anybody, nothing that is slept on would tell. So a permit
 * that was free then is tried for once more.
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

static int given_up(const struct acquire *a, const struct holders *h)
{
	struct peer *p = a->self;

	/* All there are: they cannot come from anybody else. */
	if (h->mine && h->mine >= semaphore_max(a->s)) {
		peer_count(p, COUNT_deadlocks);
		return -EDEADLK;
	}
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

/*
 * One look at everything, and a sleep. *slice: it ended by itself. A permit
 * that is free is taken whatever else there is: so a wake is never taken along
 * by one who leaves.
 */
static int wait_once(struct acquire *a, struct wait *w, struct holders *h,
		     bool *slice)
{
	struct semaphore *before = a->s->before;
	uint32_t seen = 0, *event = NULL;
	int r;

	w->event_seen = event_arm(w->event);
	if (before) {
		event = &before->map->cold[before->slot].event;
		seen = event_arm(event);
	}
	r = attempt(a, *slice, h);
	if (r != -EBUSY)
		return r;
	r = given_up(a, h);
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
		/* Somebody who died passed the wake on. */
		reap_all(a);
	}
	return AGAIN;
}

void acquire_begin_to_wait(struct acquire *a)
{
	uint64_t until;

	if (!a->timeout_ms || a->timeout_ms == UINT32_MAX)
		return;
	until = sys.now() + a->timeout_ms * NS_PER_MS;
	if (!a->deadline || until < a->deadline)
		a->deadline = until;
	a->timeout_ms = 0;
}

/*
 * The wait is noted in the record before anything else, so that the dump
 * counts it, and a reaper wakes those who wait with it should it die with a
 * wake of theirs.
 */
static int wait_for_one(struct acquire *a)
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
	store_seq(&p->record->wait_slot, a->s->slot + 1);
	do {
		r = wait_once(a, &w, &h, &slice);
	} while (r == AGAIN);
	store_relaxed(&p->record->wait_slot, 0);
	return r;
}

int semaphore_acquire(struct acquire *a)
{
	struct peer *p = a->self;
	int r = semaphore_take(p, a->s, &a->hint);

	if (unlikely(r == -EBUSY)) {
		struct holders h;

		r = a->try ? attempt(a, false, &h) : wait_for_one(a);
	}
	if (unlikely(r))
		return r;
	p->permits++;
	peer_count(p, COUNT_permits);
	return 0;
}
