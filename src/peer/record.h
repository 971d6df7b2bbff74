/* SPDX-License-Identifier: MIT */
/*
 * The mutex of a record: locked, unlocked and marked, each in the door.
 *
 * Outside the door the record names the thread that holds the mutex (pid_ns,
 * pid, tid), be it the owner or a reaper. Inside, `tid` is 0 while that may be
 * untrue. So a thread that enters and finds the mutex held, the incarnation
 * even and no mark concludes
 *
 *   tid > 0    from the kernel's answer whether that thread is gone. Its
 *              process must have ended as well: a thread that calls exec()
 *              loses its id before the kernel goes through its mutexes
 *   tid == 0   that the thread which was in the door before is the holder, and
 *              is dead: the door was taken from it
 *
 * The kernel will not mark the mutex of a holder that is gone any more. The
 * thread in the door does it in the kernel's place, and locks the mutex as any
 * dead one's.
 */
#ifndef PEER_RECORD_H
#define PEER_RECORD_H

#include "segment/mapping.h"

/*
 * Locks the record's mutex if it is free or its holder is dead; `ask`: deaths
 * that the kernel did not mark are looked for. The record's incarnation is ended
 * then. Returns 0; EOWNERDEAD: the caller gives back what the last owner had and
 * makes the mutex consistent; or EBUSY.
 */
int record_lock(struct mapping *map, struct shm_participant *rec, bool ask);

/*
 * Unlocks it. False: it stays locked, because another thread is in the door or
 * the mutex is damaged. Then it stays in the thread's list until the kernel
 * marks it at the thread's end, and the mapping must stay.
 */
bool record_unlock(struct mapping *map, struct shm_participant *rec);

#endif
