/* SPDX-License-Identifier: MIT */
/*
 * Flights of a process (SFSHM_DETACHED): any thread of the process may end such
 * a flight, and the flight may outlive the thread that began it. The kernel
 * announces the death of a thread, not of a process, so at each moment the
 * flight has one owner, the record of one thread of the process. The flight
 * moves between records by FLIGHT-T20.
 *
 *  MOVE-1. No thread ends a flight, or writes its result, in a slot that its
 *      own record does not own. So a thread first moves a flight to its own
 *      record, then ends it as it ends a flight that it began. Two such threads
 *      could move the flight to and fro, so the flight's entry
 *      (sync/detached.h) lets only one of them through. To extend the lease, no
 *      move is needed (sync/extend.c).
 *  MOVE-2. A slot has each generation only once, and only FLIGHT-T20 changes
 *      the owner of a BUSY word without changing the generation. So a mover
 *      that finds its flight's generation BUSY has found a record of its own
 *      process. A mover that finds any other word has lost the flight, and
 *      writes nothing.
 *  MOVE-3. Before the CAS the new owner's record notes the slot, or has
 *      `owned_overflow` set. A mover notes the slot in its own record. A thread
 *      that detaches gives its flights to the record of another thread, whose
 *      notes it may not write; it sets that record's `owned_overflow`. It does
 *      so under peer_lock, and a thread leaves the list of peers before it
 *      detaches; so no flight goes to the record of a thread that is detaching.
 *  MOVE-4. The receiver may still end without libc's knowledge, and its record
 *      may be swept, and taken by a thread of another process, between the
 *      giver's look at it and the CAS. So the giver looks again after the CAS
 *      (ORDER-P8), and takes the flight back if the receiver is gone. Before
 *      the CAS it names the slot, the new word and the receiver's incarnation
 *      in its own record: if it dies before the second look, its reaper looks
 *      instead, and ends the flight if the receiver is gone.
 *  MOVE-5. Followers sleep on the words of the last owner. A thread that has
 *      moved a flight wakes them (WAIT-5).
 *  MOVE-6. The old owner's note may outlive the move, which is legal
 *      (store/owned.h). A stolen flight cannot move: the slot stays with the
 *      record that owned it. The thread that finds the flight stolen marks that
 *      record's peer (`robbed`), whose thread lets go of the slot in its next
 *      call that may lead, or when it gives back all that it has, or detaches.
 *
 * P owns the flight, and Q is a thread of the same process. In other processes,
 * F follows, R reaps, I invalidates, and L steals the flight:
 *
 *   meanwhile                      what becomes of it
 *   Q dies before the CAS          P has the flight. Q's reaper finds a note of
 *                                  a slot that is not Q's
 *   Q dies after the CAS           Q's record notes the slot: F takes over
 *                                  (FLIGHT-T7), or R ends the flight. If P
 *                                  lives and nobody was woken, F learns of it
 *                                  at the end of its slice; if the process
 *                                  died, at once, by P's word
 *   P dies before the CAS          F and R compete with Q's CAS. If Q's comes
 *                                  first, the flight has outlived P
 *   P dies after the CAS           its reaper only wakes the slot's waiters
 *   P is swept as Q moves          the sweep's CAS is from BUSY g P: one of the
 *                                  two fails. R never touches BUSY g Q for P
 *   two movers                     MOVE-1; a mover that does not end the flight
 *                                  (P as it detaches) makes the other's CAS
 *                                  fail once
 *   I marks the flight             the mover's CAS fails, and is tried again
 *                                  from the marked word
 *   L steals the flight            the mover's CAS fails: -ESTALE, MOVE-6
 *   Q stops for an hour            as the owner of any flight: the lease ends
 *   P gives to Q, P dies           MOVE-4
 *   P gives to Q, Q dies           Q's overflow is set: R looks at all slots
 */
#ifndef SYNC_MOVE_H
#define SYNC_MOVE_H

#include "sync/flight.h"

/* Whether any thread of the leader's process may end the flight of `ctl`. */
static inline bool flight_is_detached(const struct mapping *map, uint32_t slot,
				      uint64_t ctl)
{
	return started_detached(load_acquire(&map->cold[slot].started),
				ctl_gen(ctl));
}

/* Makes a flight that P has just begun one of its process. */
void flight_detach(const struct flight *f, struct peer *p);

/*
 * FLIGHT-T20: makes P the owner of the flight, in whichever record of the
 * process it is. False: the process has lost the flight (MOVE-2).
 */
bool flight_move(struct flight *f, struct peer *p);

/*
 * MOVE-6: lets go of each stolen flight's slot that P owns. Called by P's own
 * thread, outside of any write to a flight.
 */
void flight_let_go(struct peer *p);

/* Whether the peer's thread lives, and its record is still its own. */
bool move_is_there(const struct peer *q);

/*
 * Finds another living record of P's process, from `from` on in the list of
 * peers; or NULL. Called with peer_lock held.
 */
struct peer *move_receiver(const struct peer *p, struct peer *from);

/*
 * FLIGHT-T20: gives all flights of the process that P owns to other threads'
 * records. Those for which there is no other record stay P's. P is about to
 * detach, and has left the list of peers.
 */
void flight_hand_over(struct peer *p);

#endif
