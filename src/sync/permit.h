/* SPDX-License-Identifier: MIT */
/*
 * Permits of a process (SFSHM_SEMAPHORE_DETACHED): any thread of the process
 * may give such a permit back, and the permit may outlive its thread. At each
 * moment it has one holder, the record of one thread of the process, as each
 * permit has (sync/semaphore.h). The bit PERMIT_DETACHED, D below, marks its
 * word. P holds the permit, and Q is a thread of the same process:
 *
 *   0   -> P    take it (SEMAPHORE-1)
 *   P   -> P D  P makes it one of its process
 *   P D -> Q D  P leaves, and gives it to Q
 *   P D -> 0    any thread of the process gives it back; P's reaper does; or P
 *               leaves, and finds no Q
 *
 *  PERMIT-1. A thread that sets another record's word back has noted the slot
 *      in its own record before, and rests at the relay word (WAIT-6). So if it
 *      dies before it has woken a waiter, it counts as a holder that dies there
 *      (SEMAPHORE-5), and the semaphore's memory stays (SEMAPHORE-8). A thread
 *      that sets its own record's word back notes nothing: the holder's note is
 *      there, or the record's `owned_overflow` is set, and the note goes with
 *      the permit.
 *  PERMIT-2. The permit's entry (sync/detached.h) says what the word should be:
 *      `name`. The name and the word change together, under peer_lock: so a
 *      thread that finds another word has lost the permit. A record's reaper
 *      sets the record's words back, and the next owner of the record has
 *      another name: the same one comes back after 2^17 owners. A thread that
 *      gives a permit back sets the entry's name to 0. So a word that is as an
 *      entry says is that entry's permit, and no later one.
 *  PERMIT-3. The entry lets one thread at a time give the permit back (as
 *      MOVE-1). A leaving thread gives away also a permit whose entry another
 *      thread has claimed; that thread finds the new name.
 *  PERMIT-4. A leaving thread gives a permit away as it gives a flight away
 *      (MOVE-3, MOVE-4): it sets the receiver's `owned_overflow`, names the
 *      slot, the new word and the receiver's incarnation in its own record, and
 *      looks after its CAS whether the receiver still lives (ORDER-P8).
 *  PERMIT-5. The note of a record whose permit another thread has given back
 *      stays, which is legal, but takes a place. `surplus` tells the record's
 *      thread, which drops the surplus notes when it next makes a permit its
 *      process's, waits for one, or gives back all that it has.
 *
 *   meanwhile                      what becomes of the permit
 *   P dies, the process lives      P's reaper sets the word back; a thread that
 *                                  gives the permit back later gets -ESTALE
 *   the process dies               the same; P's word, or P's relay, wakes a
 *                                  waiter
 *   Q dies, the word set back,     Q's reaper wakes all: PERMIT-1
 *     no waiter woken
 *   P dies before its word is P D  P's reaper sets the word P back just as P D
 *   P gives it to Q, P dies        PERMIT-4
 *   P gives it to Q, Q dies        Q's overflow is set: its reaper looks at all
 *                                  slots
 *   Q stops before its CAS         the permit stays held; other threads that
 *                                  give it back get -ESTALE, because Q has
 *                                  claimed the entry
 *   a thread of the process stops  its other threads wait for peer_lock before
 *     with peer_lock locked        they give back a permit of the process, or
 *                                  end
 *
 * A thread that got a permit from another rests at the relay word only if it
 * has taken permits itself. If it dies alone, a waiter that does not sleep on
 * its word learns of that at the end of its slice (WAIT-4).
 */
#ifndef SYNC_PERMIT_H
#define SYNC_PERMIT_H

#include "sync/detached.h"
#include "sync/semaphore.h"

/*
 * Makes a permit that P has just taken one of its process, and lists it. *d has
 * the handle and the task.
 */
void permit_detach(struct peer *p, const struct semaphore *s, uint32_t *word,
		   uint64_t number, struct detached *d);

/*
 * Gives the permit back. The caller has claimed its entry. Returns 0, or
 * -ESTALE: the process has lost the permit.
 */
int permit_end(struct peer *p, uint64_t number, const struct detached *d);

/*
 * Gives all permits of the process that P holds to other threads' records.
 * Those for which there is no other record stay P's. P is about to detach, and
 * has left the list of peers.
 */
void permit_hand_over(struct peer *p);

/* PERMIT-4: V was giving a permit of the semaphore away as it died. */
void permit_sweep_handed(const struct peer *victim, uint32_t slot);

/*
 * Gives back P's permits at the slot, except those of its process. Returns
 * whether a note of the slot may be dropped.
 */
bool permit_give_back_own(struct peer *p, uint32_t slot);

/* PERMIT-5. Called by P's own thread, outside of any change of a semaphore. */
void permit_trim(struct peer *p);

static inline void permit_trim_if_due(struct peer *p)
{
	if (unlikely(load_relaxed(&p->surplus)))
		permit_trim(p);
}

#endif
