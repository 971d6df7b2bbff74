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
 * Looks at the flight that was seen and at its leader. 0: it is to be waited
 * for, and *w says how; else what flight_follow() returns.
 */
int follow_prepare(struct call *c, struct sighting *seen, struct wait *w);

/* A slice has passed: is the leader well? */
void follow_recheck(struct call *c, const struct sighting *seen);

/* Woken, and nothing of ours has changed: a dying follower passed it on. */
static inline bool follow_stray(const struct wait *w)
{
	return load_acquire(w->event) == w->event_seen &&
	       !wait_owner_changed(w);
}

/* Sleeps; true: what it waited for is in the result. */
static in_line bool follow_asleep(struct call *c, const struct sighting *seen,
				  const struct wait *w)
{
	int r = wait_sleep(w);
	bool landed = likely(!r) && fast_landed(c->self, seen, c->result);

	c->slept++;
	if (unlikely(r))
		follow_recheck(c, seen);
	else if (unlikely(follow_stray(w)))
		peer_reap_all(c->self->map);
	return landed;
}

/*
 * Waits once for the flight that was seen. Returns the value's source if that
 * has landed, AGAIN, SFSHM_LEADER (the last leader died), -EAGAIN (too many
 * wait), -ETIMEDOUT, -ECANCELED, -ESHUTDOWN, -EDEADLK, -EBADMSG, or MOVED.
 */
static in_line int flight_follow(struct call *c, struct sighting *seen)
{
	struct futex_waitv words[WAIT_OWN_WORDS];
	struct wait w = { .words = words };
	int r = follow_prepare(c, seen, &w);
	bool landed = likely(!r) && follow_asleep(c, seen, &w);

	/* Before the caller is asked for its opinion, which may take a while. */
	store_relaxed(&c->self->record->wait_slot, 0);
	return landed ? flight_answer(c) : r ? r : AGAIN;
}

/*
 * For a call that must not wait: as above if the leader is dead or past its
 * time, else -EBUSY.
 */
int flight_try(struct call *c, struct sighting *seen);

/* The call waits no more; `leads` says whether it became the leader. */
void flight_unfollow(struct call *c, bool leads);

#endif
