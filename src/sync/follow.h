/* SPDX-License-Identifier: MIT */
/*
 * Waiting for another caller's flight, and taking it over when its leader is
 * gone. The code that a woken follower runs is in this header, for the reason
 * given at wait_sleep().
 */
#ifndef SYNC_FOLLOW_H
#define SYNC_FOLLOW_H

#include "peer/wait.h"
#include "sync/fast.h"

/*
 * Joins the waiters of the flight that was seen. STEP_SLEEP: the flight is
 * still under way, and the follower is to sleep on w->event_seen.
 */
enum step follow_join(struct call *c, const struct sighting *seen,
		      struct wait *w);

/*
 * Looks whether the leader is well and this wait may go on. STEP_SLEEP: both
 * are so, and *w is complete. STEP_LEAD: the leader is dead, and this caller
 * has taken over.
 */
enum step follow_leader(struct call *c, struct sighting *seen, struct wait *w);

/* Examines the leader after a slice in which nothing woke this follower. */
void follow_recheck(struct call *c, const struct sighting *seen);

/*
 * Whether a dying follower passed the wake on: neither the event nor the
 * leader's word has changed, nor another word.
 */
static inline bool follow_stray(const struct wait *w)
{
	return load_acquire(w->event) == w->event_seen && !wait_over(w);
}

/* Sleeps once. True: the awaited value is in the result. */
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
 * Waits once for the flight that was seen. Answers the call with the flight's
 * value if that has landed, or with -EAGAIN (too many wait), -ETIMEDOUT,
 * -ECANCELED, -ESHUTDOWN, -EDEADLK, -EBADMSG.
 */
static force_inline enum step flight_follow(struct call *c,
					    struct sighting *seen)
{
	struct futex_waitv words[WAIT_OWN_WORDS + 1];
	struct wait w = { .words = words };
	enum step step = follow_join(c, seen, &w);
	bool landed = false;

	if (likely(step == STEP_SLEEP))
		step = follow_leader(c, seen, &w);
	if (likely(step == STEP_SLEEP)) {
		landed = follow_asleep(c, seen, &w);
		step = STEP_AGAIN;
	}
	/* Clear it before the policy's checks, which may take a while. */
	wait_unnote(c->self->record);
	return landed ? flight_answer(c) : step;
}

/*
 * Serves a call that must not wait: takes over or steals as flight_follow()
 * does if the leader is dead or past its time, else answers -EBUSY.
 */
enum step flight_try(struct call *c, struct sighting *seen);

/*
 * Serves a call that found the leader gone before it took a stale value: takes
 * over or steals as flight_follow() does. STEP_AGAIN also if the leader is well
 * after all.
 */
enum step flight_replace(struct call *c, struct sighting *seen);

/* LOCK-3: whether this call lets the waiters of a KEPT lock go first. */
bool flight_defers(const struct call *c, const struct sighting *seen);

/* Sleeps among those waiters, until one has the lock or the time is over. */
enum step flight_defer(struct call *c, const struct sighting *seen);

/* Ends the call's wait; `leads` says whether the caller became the leader. */
void flight_unfollow(struct call *c, bool leads);

#endif
