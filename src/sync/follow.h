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
 * still under way; the follower must sleep while *w->event is w->event_seen.
 */
enum step follow_join(struct call *c, const struct sighting *seen,
		      struct wait *w);

/*
 * Looks whether the call's wait is over, then looks at the leader. If the
 * leader is dead, this caller takes the flight over or ends it; if the leader
 * is past its lease or suspected to be dead, this caller steals the key, or
 * takes the file that a save's writer has put in place. STEP_SLEEP: the wait
 * goes on, the leader is well, and *w is complete. STEP_LEAD: the caller has
 * taken over.
 */
enum step follow_or_replace(struct call *c, struct sighting *seen,
			    struct wait *w);

/*
 * Answers the call with -EDEADLK if this wait would close a circle of waits;
 * else returns STEP_SLEEP.
 */
enum step follow_no_circle(struct call *c, const struct sighting *seen);

/* Examines the leader after a slice in which nothing woke this follower. */
void follow_recheck(struct call *c, const struct sighting *seen);

/* Asks whether the follower that has slept is to end its wait. */
enum step follow_interrupted(struct call *c);

/*
 * Whether nothing that the woken follower slept on has changed. Then its time
 * was over, a signal came, or another follower has died and the kernel has
 * passed that follower's wake on (WAIT-2).
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
	bool landed = likely(r != -EAGAIN) &&
		      fast_landed(c->self, seen, c->result);

	c->wait.slept++;
	c->wait.signalled = r == -EINTR;
	if (unlikely(r == -EAGAIN))
		follow_recheck(c, seen);
	else if (unlikely(follow_stray(w)))
		peer_reap_all(c->self->map);
	return landed;
}

/*
 * Waits once for the flight that was seen. Answers the call with the flight's
 * value, if the flight has been published, or with -EAGAIN (too many wait),
 * -ETIMEDOUT, -ECANCELED, -ESHUTDOWN, -EDEADLK, -EBADMSG, -EINTR, AGAIN, or an
 * error of the takeover. Else returns STEP_AGAIN, STEP_MOVED, or STEP_LEAD: the
 * caller has taken over.
 */
static force_inline enum step flight_follow(struct call *c,
					    struct sighting *seen)
{
	struct futex_waitv words[WAIT_OWN_WORDS + 1];
	struct wait w = { .words = words };
	enum step step = follow_join(c, seen, &w);
	bool landed = false;

	if (likely(step == STEP_SLEEP))
		step = follow_or_replace(c, seen, &w);
	if (likely(step == STEP_SLEEP))
		step = follow_no_circle(c, seen);
	if (likely(step == STEP_SLEEP)) {
		landed = follow_asleep(c, seen, &w);
		step = STEP_AGAIN;
	}
	/*
	 * Clear the noted wait before the policy's checks, which may take long.
	 */
	wait_unnote(c->self->record);
	if (likely(landed))
		return flight_answer(c);
	return step == STEP_AGAIN && call_can_be_interrupted(c) ?
		       follow_interrupted(c) :
		       step;
}

/*
 * Serves a call that must not wait: takes over from a dead leader, steals from
 * a leader past its lease, else answers -EBUSY.
 */
enum step flight_try(struct call *c, struct sighting *seen);

/*
 * Serves a call that does not sleep, or was to take a stale value, and found
 * the leader gone: takes over or steals as flight_follow() does. STEP_AGAIN
 * also if the leader is well after all.
 */
enum step flight_replace(struct call *c, struct sighting *seen);

/*
 * CALL_PARKS: joins the waiters of the flight that was seen as flight_follow()
 * does. Where that would sleep, notes the wait in the call's park and answers
 * the call with -EINPROGRESS. No thread waits, so the wait closes no circle of
 * threads. It takes no wake from another waiter (POLLED-2), so it has none to
 * pass on.
 */
enum step flight_park(struct call *c, struct sighting *seen);

/*
 * CALL_PARKS, for a lock at rest that the call cannot take because of a thread
 * that holds it shared. `find` looks for such a thread once the wait is
 * announced: stores the index of its record, and its liveness word as read.
 * False: there is none any more. Returns STEP_AGAIN, or answers the call.
 */
typedef bool (*flight_owner_fn)(struct call *c, uint32_t slot, uint32_t *index,
				uint32_t *life);
enum step flight_park_at(struct call *c, const struct sighting *seen,
			 flight_owner_fn find);

/* LOCK-3: whether this call lets the waiters of a KEPT lock go first. */
bool flight_defers(const struct call *c, const struct sighting *seen);

/*
 * LOCK-3: sleeps as a waiter, until a waiter has the lock or the time is over.
 * With CALL_PARKS answers -EINPROGRESS instead of sleeping.
 */
enum step flight_defer(struct call *c, const struct sighting *seen);

/* Ends the call's wait, if it waits; `step` is what has ended the call. */
void flight_unfollow(struct call *c, enum step step);

#endif
