/* SPDX-License-Identifier: MIT */
/*
 * Shared holds of keyed locks.
 *
 * A sharer is a thread that holds a lock shared. It names the lock's slot in a
 * word of its own record (`shared`), so sharers of the same lock write to no
 * common word, and there may be as many as there are participants. The lock's
 * control word counts nobody. Its bit LOCK_SHARED, S below, only says that
 * there may be sharers: while S is not set, nobody looks for them. A writer is
 * a caller that wants the lock for itself alone. sync/lock.h has the table of
 * transitions.
 *
 *  SHARE-1. Only a record's owner sets a word, from 0, and names a slot only
 *      once. Only the owner sets the word back to 0, or the owner's reaper,
 *      before the record gets another owner. A word counts only while the
 *      record's owner lives. So a dead sharer holds up nobody, even before it
 *      is reaped; and it has changed nothing, so nobody learns of its death.
 *  SHARE-2. A sharer sets its word. Then it makes sure that the control word is
 *      IDLE with S: by a CAS that makes it so, or, if it was so already, by a
 *      second look, which must find the same word. If this fails, the thread
 *      does not hold the lock: it sets its word back to 0, as if it gave the
 *      lock back, and looks anew (ORDER-W1).
 *  SHARE-3. A writer makes the slot BUSY by a CAS that keeps S, and only then
 *      looks at the words (ORDER-W2). A thread that sets its word after that
 *      CAS finds the slot BUSY, and does not get the lock. So the writer need
 *      not look for new sharers: it passes each record once, and waits at it
 *      until its word is 0 or its owner is dead. To do so is to *drain* the
 *      lock. After the last record, the writer clears S by a CAS, and only then
 *      holds the lock. While the slot is BUSY with S, its owner has changed
 *      nothing that the lock protects: if the writer gives up or dies, the slot
 *      is at rest again, with S.
 *  SHARE-4. A sharer sets its word back to 0, then looks at the control word
 *      and at the segment's `moved`. If the slot is BUSY with S, or the segment
 *      has moved, a writer may sleep on the word: the sharer wakes it
 *      (ORDER-W1, ORDER-W2). Unless a wait at the slot is polled (SHARE-6),
 *      the sharer writes no other word.
 *  SHARE-5. A slot with S is retired only if it has no sharer. The evictor
 *      makes it KEPT, then looks at the words, then retires it by a CAS from
 *      the same KEPT word. A sharer that comes meanwhile changes the control
 *      word, because SHARE-2 wants it IDLE. Each change from IDLE to KEPT
 *      raises the generation, so no word ever is KEPT twice. An evictor that
 *      stops or dies half-way leaves a lock that is KEPT, which costs one
 *      caller LOCK_DEFER_NS at most. A caller that retires a slot in the
 *      predecessor of its segment has first waited for the sharers there; no
 *      new one comes, because a sharer looks at `moved` after it has set its
 *      word (ORDER-M2).
 *  SHARE-6. If an event loop polls a writer's wait, the writer parks
 *      (CALL_PARKS of sync/call.h). It does not drain the lock, because a loop
 *      that is stuck would then keep everybody from the lock. It announces
 *      itself as polled at the slot's event, looks for a sharer after that, and
 *      parks at the sharer's record. A sharer sets its word back to 0, looks at
 *      the event after that, and rings the slot's bell, if the wait is
 *      announced (POLLED-1; ORDER-E1, ORDER-E2). To get its turn, the writer
 *      sets `bypassed` to LOCK_BYPASSES each time that it parks: so the next
 *      caller that is to share the lock makes it KEPT (LOCK-2), and each later
 *      one defers. The first whose time is over shares the lock, and sets the
 *      count to 0. A stuck loop does not park again, so it delays nobody after
 *      that.
 *
 *   a sharer dies               its word counts no longer. A writer that sleeps
 *                               on the word sleeps on the sharer's liveness
 *                               word, too, so the kernel wakes it; it reaps the
 *                               dead sharer and goes on
 *   a sharer dies once it has   the same; the reaper also wakes the waiters of
 *     the lock, with no waiter  the slot, which may share the lock or drain it
 *     of the slot woken
 *   a sharer dies, its word     the kernel wakes the writer by the liveness
 *     at 0, no writer woken     word; if the writer is parked, the kernel wakes
 *                               its process's watcher (top/polling.h) by it
 *   a sharer stops before its   a writer waits for it, as for any holder that
 *     second look               stops
 *   a writer dies as it drains  FLIGHT-T7: a waiter goes on with the draining;
 *                               FLIGHT-T8: the slot is IDLE with S
 *   an evictor dies half-way    the lock is KEPT
 */
#ifndef STORE_SHARERS_H
#define STORE_SHARERS_H

#include "store/slot.h"

/*
 * Finds the word of a record that names the slot. NULL: the record's owner does
 * not hold that lock shared, or is not alive.
 */
uint32_t *sharer_word(const struct mapping *map, uint32_t index, uint32_t slot);

/* The same for the calling thread's record. */
static inline uint32_t *sharer_own(struct shm_participant *rec, uint32_t slot)
{
	for (int i = 0; i < SHM_SHARED; i++)
		if (load_relaxed(&rec->shared[i]) == slot + 1)
			return &rec->shared[i];
	return NULL;
}

/* A word of the calling thread's record that is 0, or NULL. */
static inline uint32_t *sharer_free(struct shm_participant *rec)
{
	for (int i = 0; i < SHM_SHARED; i++)
		if (!load_relaxed(&rec->shared[i]))
			return &rec->shared[i];
	return NULL;
}

/* Whether the record names a lock that its owner holds shared. */
static inline bool sharer_holds_any(const struct shm_participant *rec)
{
	uint32_t any = 0;

	for (int i = 0; i < SHM_SHARED; i++)
		any |= load_relaxed(&rec->shared[i]);
	return any != 0;
}

/* Counts the living sharers of the lock at a slot. */
uint32_t sharers_count(const struct mapping *map, uint32_t slot);

/* Counts the shared holds of all locks. */
uint32_t sharers_count_all(const struct mapping *map);

/*
 * SHARE-5: makes a lock at rest KEPT, if it has no sharers. *ctl is the lock's
 * control word, and on success the new one. False: the lock has sharers, its
 * word has changed, or generations have run out.
 */
bool sharers_close(const struct mapping *map, uint32_t slot, uint64_t *ctl);

/*
 * Makes the lock at `slot` KEPT, if its word still is `ctl`, which must be
 * IDLE. Returns the new word, or 0: the word has changed, or generations have
 * run out.
 */
uint64_t sharers_keep(const struct mapping *map, uint32_t slot, uint64_t ctl);

/* SHARE-4: gives a shared hold back. */
void sharer_drop(const struct mapping *map, uint32_t slot, uint32_t *word);

/* Gives back all that a dead or leaving participant holds shared. */
void sharer_sweep(struct peer *victim);

#endif
