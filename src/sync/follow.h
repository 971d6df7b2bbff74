/* SPDX-License-Identifier: MIT */
/*
 * Waiting for another one's flight, and what to do when its leader is gone.
 * What a follower runs as it wakes is in this header, for the reason that
 * wait_sleep() has.
 */
#ifndef SYNC_FOLLOW_H
#define SYNC_FOLLOW_H

#include "peer/wait.h"
#include "sync/fast.h"

/*
 * Joins those who wait for the flight that was seen. STEP_SLEEP: it is still
 * under way, and w->event_seen is to be slept on.
 */
enum step follow_join(struct call *c, const struct sighting *seen,
		      struct wait *w);

/*
 * Looks whether the leader is well, and this wait too. STEP_SLEEP: both are,
 * and *w is complete. STEP_LEAD: the leader is dead, and this caller has taken
 * over.
 */
enum step follow_leader(struct call *c, struct sighting *seen, struct wait *w);

/* A slice has passed: is the leader well? */
void follow_recheck(struct call *c, const struct sighting *seen);

/* Woken, and nothing of ours has changed: a dying follower passed it on. */
static inline bool follow_stray(const struct wait *w)
{
	return load_acquire(w->event) == w->event_seen &&
	       !wait_owner_changed(w);
}

/* Sleeps; true: what it waited for is in the result. */
static force_inline bool
follow_asleep(struct call *c, const struct sighting *seen, const struct wait *w)
{
	int r = wait_sleep(w);
	bool landed = likely(!r) && fast_landed(c->self, seen, c->result);

	c->wait.slept++;
	if (unlikely(r))
		follow_recheck(c, seen);
	else if (unlikely(follow_stray(w)))
		peer_reap_all(c->self->map);
	return landed;
}

/*
 * Waits once for the flight that was seen. The call is answered with its value
 * if that has landed, or with -EAGAIN (too many wait), -ETIMEDOUT, -ECANCELED,
 * -ESHUTDOWN, -EDEADLK, -EBADMSG.
 */
static force_inline enum step flight_follow(struct call *c,
					    struct sighting *seen)
{
	struct futex_waitv words[WAIT_OWN_WORDS];
	struct wait w = { .words = words };
	enum step step = follow_join(c, seen, &w);
	bool landed = false;

	if (likely(step == STEP_SLEEP))
		step = follow_leader(c, seen, &w);
	if (likely(step == STEP_SLEEP)) {
		landed = follow_asleep(c, seen, &w);
		step = STEP_AGAIN;
	}
	/* Before the caller is asked for its opinion, which may take a while. */
	store_relaxed(&c->self->record->wait_slot, 0);
	return landed ? flight_answer(c) : step;
}

/*
 * For a call that must not wait: as above if the leader is dead or past its
 * time, else it is answered with -EBUSY.
 */
enum step flight_try(struct call *c, struct sighting *seen);

/* The call waits no more; `leads` says whether it became the leader. */
void flight_unfollow(struct call *c, bool leads);

#endif
