/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until something may have changed.
 *
 * A waiter sleeps on up to five words at once: the event it waits for, the
 * owner's liveness word, the owner's relay word, its cancel token and its
 * handle's closing word. Every return means: look at everything again.
 *
 * The kernel wakes one waiter of a dead owner. Invariants that make one
 * enough:
 *
 *  W1. Whoever finds the owner's word changed from what it slept on wakes all
 *      who sleep on that word, before it does anything else.
 *  W2. Who dies between being woken and W1 passes the wake on: its
 *      list_op_pending points at the owner's relay word, which is always 0,
 *      and for a pending word that is 0 the kernel wakes one more waiter of
 *      it. Nothing is ever written there, so equal TIDs in two PID namespaces
 *      harm nobody.
 *  W3. list_op_pending stays set from before the sleep until the waiter has
 *      decided: it has a result, has claimed, or has left. (Reaping takes
 *      another robust mutex, which ends it early; W4 bounds what that costs.)
 *  W4. Every sleep ends by itself after a slice, so that a waker that stopped
 *      between its CAS and its wake costs no more than that.
 *  W5. Who sleeps on an event sleeps on the words of its present owner: who
 *      becomes the owner of something at rest wakes those who may be asleep
 *      on the last one's. (Taking over from the dead, W1 has done so.)
 */
#ifndef PEER_WAIT_H
#define PEER_WAIT_H

#include <sfshm/cancel.h>

#include "peer/participant.h"

struct wait {
	struct peer *self;
	uint32_t *event;
	uint32_t event_seen;
	struct shm_participant *owner;
	uint32_t owner_seen; /* its liveness word as looked at */
	struct sfshm_cancel *cancel;
	uint32_t *closing; /* moves when the handle is closed; or NULL */
	uint32_t closing_seen;
	uint64_t until; /* CLOCK_MONOTONIC, ns; 0: no end */
};

/*
 * Sleeps once. Returns 0 (look again), or -EAGAIN if a slice passed and
 * nothing woke it: time to examine the owner.
 */
int wait_sleep(struct wait *w);

/* Ends W3's duty. Idempotent. */
void wait_done(void);

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

#endif
