/* SPDX-License-Identifier: MIT */
/*
 * Finding waits that would never end.
 *
 * A waiter notes in its record the slot that it waits for; a slot names the
 * owner of its flight or lock, and a semaphore the holders of its permits.
 * These notes and names are the edges of the wait-for graph. A semaphore counts
 * as owned only if one thread holds all its permits. So only a lock that is
 * held shared has more than one outgoing edge. A thread that is about to sleep
 * walks the graph from the slot that it waits for. If the walk comes back to
 * that thread, all threads on the way wait for each other.
 *
 *   from                        to                        by
 *   a slot, BUSY                its owner's record        shm_slot.ctl
 *   a semaphore's slot          its sole holder's record  the permits' words,
 *                                                         in two segments
 *   a lock's slot, if nobody    the record of each        shm_participant.
 *   owns it, or if the waiter   thread that holds it      shared
 *   is its owner and drains it  shared
 *   a record that notes a wait  the slot waited for       shm_participant.wait
 *   a record that notes none    the same thread's record  cookie and tid
 *                               in another segment
 *
 * While a segment is being replaced, a thread may have a record in each of two
 * segments: it may lead in one and wait in the other.
 *
 *  DEADLOCK-1. A circle that is found is real. A walk that comes back is
 *      repeated, and the second walk must read the same words. The word that
 *      notes a wait has a number, so each thread on the way was in one and the
 *      same wait from the first visit to the second. If a thread takes
 *      something during a wait (a claim, a sharer's word), it gives that back
 *      in the same wait. So if the second walk finds that a thread holds
 *      something, the thread already held that between the two walks: at that
 *      moment all edges existed together.
 *  DEADLOCK-2. No circle within one segment is missed, except as DEADLOCK-5
 *      says. Each thread notes its wait, then walks. So of the threads on a
 *      circle, the last one to note its wait sees the notes of all others
 *      (ORDER-D1, ORDER-D2). A thread that notes its wait anew after a slice
 *      walks anew, too.
 *  DEADLOCK-3. A circle that spans a segment and its successor is also found by
 *      the last thread to note its wait, if that thread's call knows the
 *      successor. A call that began before the segment moved does not know it.
 *      In that case another thread on the circle finds the circle at the end of
 *      its slice (WAIT-4).
 *  DEADLOCK-4. A dead owner waits for nobody: a follower takes over from it.
 *  DEADLOCK-5. A writer that drains a lock notes its wait at the lock's slot,
 *      and waits for each sharer. At such a lock the walk forks: it tries one
 *      sharer after another, and follows each as far as the words lead. A
 *      thread may have set its word without holding the lock (SHARE-2), but
 *      while that is so it does not wait. So a thread that both walks find in
 *      the same wait is a true sharer. A walk that meets more than eight such
 *      locks on one way, or the same threads many times, may give up, and miss
 *      a circle.
 *  DEADLOCK-6. A flight or lock of a process (sync/move.h) is no edge, because
 *      another thread than its owner may end it; nor is a semaphore with a
 *      permit of a process. The leader marks such a flight before it waits for
 *      anything. So a walk that reads the flight before the mark cannot find
 *      the same circle twice (ORDER-D1, ORDER-D2). Between the tasks of one
 *      process, detached_circle() finds circles of such flights and permits.
 *
 * No thread finds a circle that spans segments of different names, or one that
 * contains a semaphore whose permits several threads hold.
 */
#ifndef SYNC_DEADLOCK_H
#define SYNC_DEADLOCK_H

#include "store/slot.h"

/*
 * Whether P, which has noted its wait for `slot`, waits for itself. `newest` is
 * the segment that the call was made in: P's, or one that replaces it.
 */
bool deadlock_would_be(struct peer *p, struct mapping *newest, uint32_t slot);

#endif
