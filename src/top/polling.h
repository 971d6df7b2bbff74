/* SPDX-License-Identifier: MIT */
/*
 * Waits that an event loop polls, for flights, locks and permits, and the
 * library's thread that watches them. What is said here of a flight and its
 * leader holds for a lock and its holder, too; permits have many holders.
 *
 * Such a wait is a call that has come to the place where it would sleep, and
 * has noted what it waits for (struct park). One thread of the library, the
 * watcher, sleeps for all waits of the process. When something has changed for
 * a wait, the watcher puts the wait into the list of its queue and makes the
 * queue's descriptor readable. It decides nothing: the loop's thread makes the
 * call again, from the beginning, and either has its answer or waits again.
 *
 *  POLLING-1. The watcher claims nothing, reads no value, reaps nobody and owns
 *      no record. A flight is led, and a lock or permit taken, only by a thread
 *      that makes a call for a wait. So a loop that is stuck holds nothing, and
 *      a watcher that is stopped or late keeps no other process from anything.
 *  POLLING-2. No wake is lost. A wait is announced in its slot's event before
 *      the call has looked at the flight for the last time (ORDER-E1,
 *      ORDER-E2). When the wait is parked, the event is compared once more,
 *      under the lock. A bell that rings later either wakes the watcher or
 *      keeps it from falling asleep, because the watcher reads the bells before
 *      the events (ORDER-Q2).
 *  POLLING-3. A wait becomes READY too often rather than too late: what has
 *      changed may be of no use to the call, which is then parked again. But
 *      the watcher compares with what the call has seen, so nothing that stays
 *      as it is makes a wait READY twice. (Two exceptions end by themselves:
 *      while permits are held in a predecessor, waits for permits become READY
 *      after each slice; and so do waits for a flight whose leader is merely
 *      suspected to be dead.)
 *  POLLING-4. After each slice the watcher looks at all waits: a waker may have
 *      stopped before it rang the bell, and a leader may have died without a
 *      mark. For permits, the watcher then asks the kernel about each holder,
 *      and looks whether a permit is free. The watcher sleeps on the words of
 *      as many leaders and holders as there is room for, and wakes all that
 *      sleep on a word that has changed (WAIT-1). It sleeps on no relay word:
 *      a thread that dies wakes only one waiter there (WAIT-6), and that must
 *      be a thread that sleeps in a call.
 *      If the process dies before the watcher has woken the other sleepers,
 *      they learn of the leader's death at the end of their slice:
 *      list_op_pending, which passes on a dead waiter's wake (WAIT-2), cannot
 *      point at sixty words.
 *  POLLING-5. The watcher exists while there is a wait, and for one second
 *      after the last one; the close of the last queue ends it sooner. It
 *      blocks all signals. If it cannot be started, the call that is to be
 *      parked fails with -EOPNOTSUPP.
 *  POLLING-6. A wait is noted in the segment while it is PARKED, READY or TOLD,
 *      and the mapping stays for as long.
 *
 * The states of a wait, changed with the lock held:
 *
 *   from           to       by
 *   -              RUNNING  sfshm_begin_async(), sfshm_lock_async() or
 *                           sfshm_acquire_async() makes the call
 *   RUNNING        PARKED   the call has to wait
 *   RUNNING        READY    ... and something has changed meanwhile
 *   RUNNING        -        the call has an answer
 *   PARKED         READY    the watcher, or a thread that closes the handle
 *   READY          TOLD     sfshm_queue_next()
 *   any but        RUNNING  sfshm_wait_finish...() makes the call, even if
 *     RUNNING               sfshm_queue_next() has not returned the wait
 *   any but        -        sfshm_wait_cancel(), sfshm_queue_close(), or the
 *     RUNNING               call that finds that the task would wait for itself
 *
 *   meanwhile                      what becomes of it
 *   the leader publishes           the event changes, the bell rings: READY
 *   the leader dies                its word changes: READY; else READY after a
 *                                  slice
 *   the waker dies before it rings if it led, its word changes: READY; else
 *                                  READY after a slice
 *   the watcher is stopped         the waits of this process stay PARKED; a
 *                                  loop that has a clock may finish them
 *   the loop is stuck              its waits stay READY. Other waiters go on;
 *                                  at a lock or semaphore one of them is
 *                                  delayed by 2 ms (LOCK-3, SEMAPHORE-6)
 *   a holder of permits dies       its word changes: READY; else READY after a
 *                                  slice
 *   a sharer of the lock dies      the same (SHARE-6)
 *   a permit comes back            the event changes, the bell rings: READY
 *   the thread of the loop ends    the waits go on; but its notes in the
 *                                  segment go, so the waits do not count for
 *                                  max_waiters until another thread calls
 *                                  sfshm_wait_finish()
 *   the process dies               its notes are swept with the record of the
 *                                  thread. Nobody waits for the process
 *   the process forks              the child has no watcher and no wait; a call
 *                                  on a queue of the parent gets -ECHILD, but
 *                                  sfshm_queue_close() frees the child's copy
 *   the segment is replaced        the flight ends there; the call goes on in
 *                                  the successor
 *   the segment's file is removed  READY after a slice
 */
#ifndef TOP_POLLING_H
#define TOP_POLLING_H

#include "top/lot.h"

/* How many queues of this process are open; guarded by the lock. */
extern uint32_t polling_queues;

/* Guards the states of all waits, and the queues. */
void polling_lock(void);
void polling_unlock(void);

/* Returns when nobody writes any more to the descriptors of queues whose waits
   are gone. Called without the lock. */
void polling_await_tellers(void);

/* Called around fork(), so that a child finds no lock of this part taken. */
void polling_fork_lock(void);
void polling_fork_unlock(void);

/*
 * Parks a wait whose call has noted what it waits for. Called with the lock
 * held. Returns -EINPROGRESS; or -EOPNOTSUPP or -ENOMEM, and the wait is noted
 * nowhere.
 */
int polling_park(struct polled *w);

/* Makes the waits of a handle ready, because it is closed. */
void polling_end_waits_of(const uint32_t *closing);

/* Returns slot + 1 for a slot at which the task has a polled wait; or 0. */
uint32_t polling_waits_at(const struct mapping *map, uint64_t task);

/*
 * Ends the watcher, unless a wait is parked; returns when it is gone, and the
 * mappings without waits are dropped.
 */
void polling_stop(void);

/* Called in a forked child, with the lock held: all waits are the parent's. */
void polling_forget(void);

#endif
