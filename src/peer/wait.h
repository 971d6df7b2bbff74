/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until something may have changed.
 *
 * A waiter sleeps on several words at once: the event it waits for, the
 * owner's liveness word, the owner's relay word, its cancel token and its
 * handle's closing word. Who waits for a permit has many owners to look at:
 * it sleeps on the liveness words of as many as there is room for, and on the
 * segment's relay word. Every return means: look at everything again.
 *
 * The kernel wakes one waiter of a dead owner. Invariants that make one
 * enough:
 *
 *  WAIT-1. Whoever finds the owner's word changed from what it slept on wakes
 *      all who sleep on that word, before it does anything else.
 *  WAIT-2. Who dies between being woken and WAIT-1 passes the wake on: its
 *      list_op_pending points at the owner's relay word, which is always 0,
 *      and for a pending word that is 0 the kernel wakes one more waiter of
 *      it. Nothing is ever written there, so equal TIDs in two PID namespaces
 *      harm nobody. A stray byte there would end each sleep at once: the waiter
 *      that finds one sets the word to 0 again, and sleeps for a moment, so
 *      that it does not spin even if somebody keeps writing there.
 *  WAIT-3. list_op_pending stays set from before the sleep until the waiter has
 *      decided: it has a result, has claimed, or has left. (Reaping takes
 *      another robust mutex, which ends it early; WAIT-4 bounds what that
 *      costs.)
 *  WAIT-4. Every sleep ends by itself after a slice, so that a waker that
 *      stopped or died between its CAS and its wake costs no more than that.
 *  WAIT-5. Who sleeps on an event sleeps on the words of its present owner: who
 *      becomes the owner of something at rest wakes those who may be asleep
 *      on the last one's. (Taking over from the dead, WAIT-1 has done so.)
 *  WAIT-6. Once a thread has tried to take a permit its list_op_pending rests
 *      at the segment's relay word whenever it points nowhere else. So its
 *      death wakes one of those who wait for permits in that segment, however
 *      many holders there are and whichever of them it slept on; that one reaps
 *      the dead, which wakes the others. It stays there when the permits have
 *      been given back: to move it each time would cost more than a wake at the
 *      thread's end. (The program's own robust mutexes clear that place: from
 *      then until the thread's next call here, the liveness words, and WAIT-4,
 *      are what is left.)
 */
#ifndef PEER_WAIT_H
#define PEER_WAIT_H

#include <errno.h>
#include <pthread.h>

#include <sfshm/cancel.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/participant.h"
#include "segment/fingerprint.h"

/* A word to sleep on beside the others. */
struct wait_word {
	uint32_t *word;
	uint32_t seen;
	bool liveness; /* of an owner: WAIT-1 holds for it */
};

/* The kernel takes 128 words. */
#define WAIT_MOST_WORDS 128
#define WAIT_OWN_WORDS 6

struct wait {
	struct peer *self;
	uint32_t *event;
	uint32_t event_seen;
	struct shm_participant *owner;
	uint32_t owner_seen; /* its liveness word as looked at */
	struct sfshm_cancel *cancel;
	uint32_t *closing; /* moves when the handle is closed; or NULL */
	uint32_t closing_seen;
	/* where there is no one owner: the segment's, and its predecessor's */
	uint32_t *relay, *relay_before;
	const struct wait_word *more;
	uint32_t more_count;
	struct futex_waitv *words; /* room for WAIT_OWN_WORDS, and `more` */
	uint64_t until;            /* CLOCK_MONOTONIC, ns; 0: no end */
};

/* One sleep. */
struct nap {
	unsigned int count; /* words; 0: there is no futex_waitv(2) */
	struct timespec until;
	bool slice; /* it ends then only to look at everything again */
};

/* What comes before the sleep: WAIT-3, its words, its end. */
void wait_prepare(const struct wait *w, struct nap *n);

/* Where there is no such sleep, or it has failed with errno. */
int wait_otherwise(const struct wait *w, const struct nap *n);

/* WAIT-1, where there is something to be done for it. */
void wait_wake_others(const struct wait *w);

/* Words that it waits for have changed, or the wait is to be given up. */
bool wait_over(const struct wait *w);

static inline bool wait_owner_changed(const struct wait *w)
{
	return load_acquire(liveness_word(w->self->map, w->owner)) !=
	       w->owner_seen;
}

/*
 * Sleeps once. Returns 0 (look again), or -EAGAIN if a slice passed and
 * nothing woke it: time to examine the owner.
 *
 * In a header, for the kernel makes the processor forget where functions
 * return to: each that a woken thread has to leave takes as long as a miss.
 *
 * The sleep is a cancellation point. Nothing is held here that the thread's
 * exit does not give back, so being cancelled at any instruction is safe.
 */
static force_inline int wait_sleep(const struct wait *w)
{
	struct nap n;
	int type, ignored, r = 0;

	wait_prepare(w, &n);
	/* NOLINTNEXTLINE(concurrency-thread-canceltype-asynchronous) */
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	if (unlikely(!n.count || sys.waitv(w->words, n.count, &n.until) < 0))
		r = wait_otherwise(w, &n);
	pthread_setcanceltype(type, &ignored);
	kill_point(wait_woken);
	if (unlikely(w->more_count) ||
	    (likely(w->owner) && unlikely(wait_owner_changed(w))))
		wait_wake_others(w);
	return unlikely(r == -ETIMEDOUT) && n.slice ? -EAGAIN : 0;
}

/* Ends WAIT-3's duty, and sees to WAIT-6. Idempotent. */
void wait_done(void);

/*
 * WAIT-6: from now on the thread holds permits in the segment; it holds none.
 */
void wait_rest_at(const struct mapping *map);
void wait_unrest(void);

/* The same where it may rest there already, as it nearly always does. */
static inline void wait_rest(const struct peer *p)
{
	const struct robust_head *list = p->robust;
	uintptr_t relay = (uintptr_t)&p->map->header->relay;

	if (unlikely(!list || (uintptr_t)list->list_op_pending +
					      (uintptr_t)list->futex_offset !=
				      relay))
		wait_rest_at(p->map);
}

/*
 * The event word: bit 0 says that somebody may be waiting (a legal error is
 * to say so though nobody is), the rest counts wakes.
 */
#define EVENT_WAITERS 1u
#define EVENT_STEP 2u

/*
 * Announces a waiter; returns the value to sleep on. Look at the control word
 * after it, with load_seq().
 */
uint32_t event_arm(uint32_t *event);

/*
 * Wakes those who wait, after the change they wait for has been made with
 * cas_seq(). Costs no system call where nobody does. Returns whether anybody
 * was announced.
 */
bool event_wake(uint32_t *event, bool all);

/*
 * Wakes one, for an event that nobody's claim wakes all of later (WAIT-5):
 * finding that nobody slept it takes the announcement back, so that the next
 * one costs no system call.
 */
bool event_wake_one(uint32_t *event);

/* Whether somebody may be waiting: after the change, as event_wake() does. */
static inline bool event_awaited(const uint32_t *event)
{
	/* ORDER-E2 pairs ORDER-E1 */
	return load_seq(event) & EVENT_WAITERS;
}

#endif
