/* SPDX-License-Identifier: MIT */
/*
 * Finding waits that would never end.
 *
 * A waiter notes in its record the slot that it waits for; a slot names the
 * owner of its flight or lock, and a semaphore the holders of its permits. That
 * is the wait-for graph. Each of its nodes has at most one way out, because a
 * semaphore counts as owned only if one thread holds all its permits. A thread
 * that is about to sleep follows the graph from the slot that it wants. If it
 * comes back to itself, all threads on the way wait for each other.
 *
 *   from                        to                        by
 *   a slot, BUSY                its owner's record        shm_slot.ctl
 *   a semaphore's slot          its sole holder's record  the permits' words,
 *                                                         in two segments
 *   a record that notes a wait  the slot waited for       shm_participant.wait
 *   a record that notes none    the same thread's record  cookie and tid
 *                               in another segment
 *
 * While a segment is being replaced, a thread has a record in each of two
 * segments: it may lead in the one and wait in the other.
 *
 *  DEADLOCK-1. A circle that is found is real. A walk that comes back is
 *      repeated, and must find the same words. The word of a wait has a number,
 *      so each thread on the way was in one wait from its first visit to its
 *      second. A thread takes nothing for good while it waits. So what it
 *      holds at the second visit, it held at the moment between the two walks:
 *      at that moment all edges stood.
 *  DEADLOCK-2. No circle is missed in one segment. Each thread notes its wait,
 *      then walks. So of the threads that close a circle, the last one to note
 *      its wait sees all other notes (ORDER-D1, ORDER-D2). A thread that notes
 *      a wait anew after a slice walks anew, too.
 *  DEADLOCK-3. A circle over a segment and its successor is found by the last
 *      of its threads, too, if that thread's call knows the successor. A call
 *      that began before the segment moved does not. Then another thread of
 *      the circle finds it at the end of its slice (WAIT-4).
 *  DEADLOCK-4. A dead owner waits for nobody: a follower takes over from it.
 *
 * Nobody finds a circle over segments of different names, nor one over a
 * semaphore whose permits several threads hold.
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
