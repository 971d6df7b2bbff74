/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until something may have changed.
 *
 * A waiter sleeps on several words at once: the event it waits for, the
 * owner's liveness word, the owner's relay word, its cancel token and its
 * handle's closing word. A waiter for a permit waits for many owners: it sleeps
 * on the liveness words of as many as there is room for, and on the segment's
 * relay word. After each return the waiter looks at everything again.
 *
 * When an owner dies, the kernel wakes only one of its waiters. These
 * invariants make that enough:
 *
 *  WAIT-1. If a waiter that has slept finds the owner's word changed, it wakes
 *      all that sleep on that word, before it does anything else.
 *  WAIT-2. A woken waiter that dies before it has done WAIT-1 passes the wake
 *      on: its list_op_pending points at the owner's relay word, which is
 *      always 0. When a thread dies whose pending word is 0, the kernel wakes
 *      one more waiter of that word. The kernel writes nothing to a relay word,
 *      so a TID that repeats in another PID namespace does no harm. If a broken
 *      program writes to the word, each sleep on it ends at once. A waiter that
 *      finds another value therefore sets the word to 0 again and pauses for a
 *      moment, so that it does not spin if the program writes again.
 *  WAIT-3. list_op_pending stays set from before the sleep until the waiter has
 *      decided: it has a result, has claimed, or has left. (A waiter that reaps
 *      takes another robust mutex, which clears list_op_pending early; WAIT-4
 *      bounds the cost.)
 *  WAIT-4. Every sleep ends by itself after a slice, so a waker that stopped or
 *      died between its CAS and its wake costs a waiter no more than a slice.
 *  WAIT-5. A waiter sleeps on the words of the present owner: a participant
 *      that claims a slot at rest wakes the waiters that may still sleep on the
 *      last owner's words. (Before a takeover from a dead owner, WAIT-1 has
 *      woken them.)
 *  WAIT-6. Once a thread has tried to take a permit, its list_op_pending rests
 *      at the segment's relay word whenever it points nowhere else. So the
 *      thread's death wakes one of the waiters for permits in that segment,
 *      whichever holders' words that waiter slept on. The waiter reaps the
 *      dead, which wakes the others. In a process that uses one segment,
 *      list_op_pending stays there when the thread has given its permits back:
 *      to clear it each time would cost more than a wake at the thread's end.
 *      (If the thread locks a robust mutex of the program, libc clears
 *      list_op_pending. Until the thread's next call here, waiters then depend
 *      on the liveness words and WAIT-4.)
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
	bool liveness; /* an owner's liveness word: WAIT-1 holds for it */
};

/* The kernel takes 128 words at most. */
#define WAIT_MOST_WORDS 128
#define WAIT_OWN_WORDS 6

/*
 * The owner notes each of its waits in its record's `wait`: slot + 1, or 0, in
 * bits 0..31, and a number that grows with each wait in bits 32..63. So a
 * thread that reads the same word twice knows that one wait lasted from the
 * first read to the second.
 */
static inline uint32_t wait_slot(uint64_t wait)
{
	return (uint32_t)wait;
}

static inline void wait_note(struct shm_participant *rec, uint32_t slot)
{
	uint64_t number = (load_relaxed(&rec->wait) >> 32) + 1;

	/* ORDER-D1 pairs ORDER-D2 */
	store_seq(&rec->wait, number << 32 | (slot + 1));
}

static inline void wait_unnote(struct shm_participant *rec)
{
	store_relaxed(&rec->wait, load_relaxed(&rec->wait) >> 32 << 32);
}

struct wait {
	struct peer *self;
	uint32_t *event;
	uint32_t event_seen;
	struct shm_participant *owner;
	uint32_t owner_seen; /* its liveness word when the waiter looked */
	struct sfshm_cancel *cancel;
	uint32_t *closing; /* changes when the handle is closed; or NULL */
	uint32_t closing_seen;
	/* for permits: the relay words of the segment and its predecessor */
	uint32_t *relay, *relay_before;
	const struct wait_word *more;
	uint32_t more_count;
	struct futex_waitv *words; /* room for WAIT_OWN_WORDS and `more` */
	uint64_t until;            /* CLOCK_MONOTONIC, ns; 0: no end */
};

/* One sleep. */
struct nap {
	unsigned int count; /* words; 0: there is no futex_waitv(2) */
	struct timespec until;
	bool slice; /* it ends at `until` only to look at everything again */
};

/* Prepares a sleep: its words, its end, and list_op_pending (WAIT-3). */
void wait_prepare(const struct wait *w, struct nap *n);

/* Sleeps without futex_waitv(2), or handles the errno value that it has set. */
int wait_otherwise(const struct wait *w, const struct nap *n);

/* Does WAIT-1 for each liveness word that has changed. */
void wait_wake_others(const struct wait *w);

/* Whether a word that the waiter sleeps on, except relay words, has changed. */
bool wait_over(const struct wait *w);

static inline bool wait_owner_changed(const struct wait *w)
{
	return load_acquire(liveness_word(w->self->map, w->owner)) !=
	       w->owner_seen;
}

/*
 * Sleeps once. Returns 0 (look again); -EAGAIN if a slice passed and nothing
 * woke the waiter: time to examine the owner; or -EINTR if a signal handler
 * without SA_RESTART ran.
 *
 * Inline, because a context switch clears the processor's predictions of
 * returns: each function return of a woken thread costs as much as a cache
 * miss.
 *
 * The sleep is a cancellation point. The thread may be cancelled at any of
 * these instructions, because its exit gives back all that it holds.
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
	if (likely(!r))
		return 0;
	return r == -ETIMEDOUT && n.slice ? -EAGAIN : r == -EINTR ? r : 0;
}

/*
 * Called once the waiter has decided (WAIT-3): clears list_op_pending, or lets
 * it rest again where it rested (WAIT-6). Idempotent.
 */
void wait_done(void);

/*
 * WAIT-6: wait_rest_at() lets list_op_pending rest at the segment's relay word,
 * wait_unrest() lets it rest nowhere.
 */
void wait_rest_at(const struct mapping *map);
void wait_unrest(void);

/* wait_rest_at(), unless list_op_pending points there already. */
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
 * The event word:
 *
 *   bit 0      a waiter may sleep; it is legal to set the bit without one
 *   bit 1      the next wake must be for all: one of the sleepers may be
 *              unable to lead at once (CLAIM-4), and a wake for it alone would
 *              be lost
 *   bit 2      a process may poll a wait here (peer/polled.h): the next wake
 *              rings the bell, too
 *   bits 3..   count the wakes
 */
#define EVENT_WAITERS 1u
#define EVENT_ALL 2u
#define EVENT_POLLED 4u
#define EVENT_STEP 8u
#define EVENT_AWAITED (EVENT_WAITERS | EVENT_POLLED)

/*
 * Announces a waiter; returns the value to sleep on. The waiter then looks at
 * the control word, with load_seq(). The next wake after event_arm_all() is for
 * all. event_arm_polled() announces a wait that the process polls.
 */
uint32_t event_arm(uint32_t *event);
uint32_t event_arm_all(uint32_t *event);
uint32_t event_arm_polled(uint32_t *event);

/*
 * Wakes the waiters of a slot of that mapping: one sleeper or all, and all that
 * are polled. The caller has already made, by cas_seq(), the change that they
 * wait for. Makes no system call if no waiter is announced. Returns whether one
 * was.
 */
bool event_wake(const struct mapping *map, uint32_t *event, bool all);

/*
 * Wakes one sleeper of a semaphore's event, and all waits there that are
 * polled. If nobody slept, clears the waiters' bit, so that the next waker
 * makes no system call. On a flight's event, the next claim clears the bit
 * (WAIT-5), but nobody claims a semaphore.
 */
bool event_wake_one(const struct mapping *map, uint32_t *event);

/* Whether a waiter may sleep. Like event_wake(), called after the change. */
static inline bool event_awaited(const uint32_t *event)
{
	/* ORDER-E2 pairs ORDER-E1 */
	return load_seq(event) & EVENT_AWAITED;
}

#endif
