/* SPDX-License-Identifier: MIT */
#include "sync/shared.h"

#include <errno.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/removal.h"
#include "peer/wait.h"
#include "store/owned.h"
#include "sync/deadlock.h"
#include "sync/follow.h"

/* LOCK-1, for a caller that has taken the lock shared. */
static void count_bypass(struct shm_desk *cold, bool awaited, bool waited)
{
	uint32_t n = load_relaxed(&cold->bypassed);

	if (waited && n)
		store_relaxed(&cold->bypassed, 0);
	else if (!waited && (awaited || n) && n < LOCK_BYPASSES)
		fetch_add_relaxed(&cold->bypassed, 1);
}

/* Sets the caller's word. Returns it, or NULL: none is free. */
static uint32_t *set_word(struct peer *p, uint32_t slot)
{
	uint32_t *word = sharer_free(p->record);

	if (unlikely(!word))
		return NULL;
	/*
	 * ORDER-W1 pairs ORDER-W2
	 * A sharer sets or clears its word before it looks at the control word.
	 */
	store_seq(word, slot + 1);
	kill_point(share_noted);
	return word;
}

/*
 * Wakes the lock's waiters. They sleep on the words of the last holder, and may
 * now share the lock, or drain it.
 */
static bool wake_waiters(const struct mapping *map, struct shm_desk *cold)
{
	return unlikely(event_awaited(&cold->event)) &&
	       event_wake(map, &cold->event, true);
}

int shared_take(struct peer *p, const struct sighting *seen, bool waited,
		uint32_t **word)
{
	uint64_t *ctl = &p->map->slots[seen->slot].ctl;
	uint64_t shared = ctl_with(seen->ctl, PHASE_IDLE, 0) | LOCK_SHARED;
	struct shm_desk *cold = &p->map->cold[seen->slot];
	int r = 0;

	*word = set_word(p, seen->slot);
	if (unlikely(!*word))
		return -EMFILE;
	/* ORDER-W1 pairs ORDER-W2 */
	if (seen->ctl == shared ? load_seq(ctl) != shared :
				  !cas_seq(ctl, seen->ctl, shared))
		r = AGAIN;
	/* ORDER-M2 pairs ORDER-M1 */
	else if (unlikely(load_seq(&p->map->header->moved)))
		r = MOVED;
	if (unlikely(r)) {
		sharer_drop(p->map, seen->slot, *word);
		return r;
	}
	kill_point(share_taken);
	count_bypass(cold, wake_waiters(p->map, cold), waited);
	peer_count(p, COUNT_locks);
	return 0;
}

/*
 * LOCK-2: if the lock's waiters have been bypassed often enough, and this call
 * is to let them go first, makes the lock KEPT. True: it has done so.
 */
static bool keeps(const struct call *c, const struct sighting *seen)
{
	const struct mapping *map = c->self->map;

	if (ctl_phase(seen->ctl) != PHASE_IDLE || c->flags & SFSHM_TRY ||
	    c->wait.joined ||
	    load_relaxed(&map->cold[seen->slot].bypassed) < LOCK_BYPASSES)
		return false;
	return sharers_keep(map, seen->slot, seen->ctl) != 0;
}

enum step shared_join(struct call *c, const struct sighting *seen)
{
	uint32_t *word;
	int r;

	if (keeps(c, seen))
		return STEP_AGAIN;
	r = shared_take(c->self, seen, c->wait.joined != 0, &word);
	if (r == AGAIN)
		return STEP_AGAIN;
	if (r == MOVED)
		return STEP_MOVED;
	if (r)
		return call_answer(c, r);
	lock_fill_hold(c->shares, c->self, seen, c->lease_or_rank, word);
	return call_answer(c, LOCK_TAKEN_SHARED);
}

/* The segment is damaged: another thread has changed a slot that P owns. */
static int lost(struct peer *p, struct hold *held)
{
	peer_count(p, COUNT_corrupt);
	flight_yield(p, held->slot);
	held->map = NULL;
	return -EBADMSG;
}

int shared_keep(struct call *c, struct hold *held)
{
	struct peer *p = c->self;
	struct shm_desk *cold = &p->map->cold[held->slot];
	uint64_t shared = ctl_with(held->ctl, PHASE_IDLE, 0) | LOCK_SHARED;

	/* lock_take() has checked that a word is free. */
	held->word = set_word(p, held->slot);
	if (!cas_seq(&p->map->slots[held->slot].ctl, held->ctl, shared)) {
		sharer_drop(p->map, held->slot, held->word);
		return lost(p, held);
	}
	kill_point(share_taken);
	held->ctl = shared;
	wake_waiters(p->map, cold);
	owned_drop(p, held->slot);
	return 0;
}

/* What a call has found out about one sharer. */
enum met { MET_GONE, MET_ALIVE };

/*
 * Looks at a sharer, and reaps a dead one. With `ask`, asks the kernel about
 * the sharer first.
 */
static enum met meet(struct mapping *map, uint32_t index, bool ask,
		     uint32_t *life)
{
	struct shm_participant *rec = &map->participants[index];

	if (ask)
		life_examine(map, index);
	if (!life_proven_dead(map, rec, life))
		return MET_ALIVE;
	/* WAIT-1 */
	sys.wake(liveness_word(map, rec), INT32_MAX);
	(void)peer_reap(map, index);
	return MET_GONE;
}

/*
 * Sleeps on a sharer's word once. Sets *slice if the sleep ended without a
 * wake. Returns 0, or an error that ends the wait.
 */
static int sleep_on(struct call *c, uint32_t slot, struct wait *w, bool *slice)
{
	struct peer *p = c->self;
	int r = call_given_up(c, sys.now());

	if (!r && deadlock_would_be(p, call_newest(c), slot)) {
		peer_count(p, COUNT_deadlocks);
		r = -EDEADLK;
	}
	if (r)
		return r;
	*slice = wait_sleep(w) == -EAGAIN;
	c->wait.slept++;
	if (*slice) {
		peer_count(p, COUNT_rechecks);
		removal_look_if_due(p->map);
	} else if (!wait_over(w)) {
		/* A dying thread passed the wake on. */
		peer_reap_all(p->map);
	}
	return 0;
}

/* Notes the wait, and how long it may take. */
static void begin_to_wait(struct call *c, uint32_t slot)
{
	const struct sfshm_policy *pol = c->policy;

	if (!c->wait.deadline)
		c->wait.deadline =
			call_deadline(pol->wait_timeout_ms, pol->deadline_ns);
	c->wait.waited = true;
	wait_note(c->self->record, slot);
}

/*
 * Waits until participant `index` does not hold the lock at `slot` shared. The
 * sharer's word is the event of the wait, and the sharer is its owner.
 */
static int await_one(struct call *c, uint32_t slot, uint32_t index)
{
	struct mapping *map = c->self->map;
	struct futex_waitv words[WAIT_OWN_WORDS];
	struct wait w = {
		.self = c->self,
		.words = words,
		.owner = &map->participants[index],
		.event_seen = slot + 1,
		.cancel = c->policy->cancel,
		.closing = c->closing,
		.closing_seen = c->closing_seen,
	};
	bool try = c->flags & (SFSHM_TRY | CALL_PARKS), slice = try;
	int r = 0;

	while (!r && (w.event = sharer_word(map, index, slot))) {
		if (meet(map, index, slice, &w.owner_seen) == MET_GONE)
			break;
		if (try)
			return -EBUSY;
		begin_to_wait(c, slot);
		w.until = c->wait.deadline;
		r = sleep_on(c, slot, &w, &slice);
	}
	return r;
}

/*
 * Waits until nobody holds the lock shared. A call that tries or parks does not
 * wait: -EBUSY.
 */
static int await_all(struct call *c, uint32_t slot)
{
	uint32_t used = participants_used(c->self->map);
	int r = 0;

	for (uint32_t i = 0; i < used && !r; i++)
		r = await_one(c, slot, i);
	wait_unnote(c->self->record);
	if (c->wait.waited)
		wait_done();
	return r;
}

/*
 * A parked writer makes each later caller that wants to share the lock let the
 * waiters go first, because it does not drain the lock (SHARE-6).
 */
static bool find_sharer(struct call *c, uint32_t slot, uint32_t *index,
			uint32_t *life)
{
	struct mapping *map = c->self->map;
	uint32_t used = participants_used(map);

	store_relaxed(&map->cold[slot].bypassed, LOCK_BYPASSES);
	for (*index = 0; *index < used; (*index)++)
		if (sharer_word(map, *index, slot) &&
		    meet(map, *index, false, life) == MET_ALIVE)
			return true;
	return false;
}

/* The calling thread itself shares the lock, which it can do only once. */
static bool find_itself(struct call *c, uint32_t slot, uint32_t *index,
			uint32_t *life)
{
	*index = c->self->id - 1;
	return sharer_own(c->self->record, slot) &&
	       !life_proven_dead(c->self->map, c->self->record, life);
}

enum step shared_meet(struct call *c, const struct sighting *seen)
{
	bool parks = c->flags & CALL_PARKS && !(c->flags & SFSHM_TRY);
	int r = 0;

	if (likely(!(seen->ctl & LOCK_SHARED)) || c->resize.moving)
		return STEP_LEAD;
	if (shared_is_own(c, seen)) {
		if (!parks || c->own_is_busy)
			return call_answer(c,
					   c->own_is_busy ? -EBUSY : -EDEADLK);
		return flight_park_at(c, seen, find_itself);
	}
	if (!c->shares && c->flags & (SFSHM_TRY | SFSHM_FOLLOW | CALL_PARKS))
		r = await_all(c, seen->slot);
	if (r == -EBUSY && parks)
		return flight_park_at(c, seen, find_sharer);
	return r ? call_answer(c, r) : STEP_LEAD;
}

/*
 * Gives up a lock that is not held yet. If the caller has learned of a death in
 * the predecessor, marks the lock, so that the next holder learns of the death.
 */
static int give_up(struct call *c, struct hold *held, int error)
{
	struct peer *p = c->self;
	struct shm_desk *cold = &p->map->cold[held->slot];
	bool keep = load_relaxed(&cold->bypassed) >= LOCK_BYPASSES;
	uint64_t rest = ctl_with(held->ctl, keep ? LOCK_KEPT : PHASE_IDLE, 0) |
			(c->result->owner_died ? LOCK_ORPHANED : 0);

	if (!cas_seq(&p->map->slots[held->slot].ctl, held->ctl, rest))
		return lost(p, held);
	event_wake(p->map, &cold->event, true);
	owned_drop(p, held->slot);
	held->map = NULL;
	return error;
}

int shared_drain(struct call *c, struct hold *held)
{
	struct peer *p = c->self;
	uint64_t mine = held->ctl & ~LOCK_SHARED;
	int r = await_all(c, held->slot);

	if (!r && call_cancelled(c)) {
		peer_count(p, COUNT_cancels);
		r = -ECANCELED;
	}
	/* A sharer came before the claim: look again, and park. */
	if (r == -EBUSY && !(c->flags & SFSHM_TRY))
		r = AGAIN;
	if (r)
		return give_up(c, held, r);
	kill_point(share_drained);
	if (!cas_seq(&p->map->slots[held->slot].ctl, held->ctl, mine))
		return lost(p, held);
	held->ctl = mine;
	return 0;
}
