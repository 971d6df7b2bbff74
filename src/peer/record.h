/* SPDX-License-Identifier: MIT */
/*
 * The mutex of a record: a thread locks, unlocks and marks it in the door.
 *
 * While no thread is in the door, the record names the thread that holds the
 * mutex (pid_ns, pid, tid): the owner or a reaper. A thread in the door sets
 * `tid` to 0 while those fields may be untrue. If a thread enters the door and
 * finds the incarnation even, and the mutex held but not marked, then
 *
 *   tid > 0    the holder is dead if the kernel knows no thread with that id,
 *              and the holder's process has ended. The missing id alone proves
 *              nothing: a thread that calls exec() loses its id before the
 *              kernel goes through its mutexes
 *   tid == 0   the holder is the thread that was in the door before, and is
 *              dead: the entering thread took the door from it
 *
 * The kernel will not mark the mutex of a holder that is gone already. So the
 * thread in the door marks the mutex, then locks it like any dead holder's.
 */
#ifndef PEER_RECORD_H
#define PEER_RECORD_H

#include "segment/mapping.h"

/*
 * Locks the record's mutex if it is free or its holder is dead, and ends the
 * record's incarnation. With `ask`, looks for deaths that the kernel did not
 * mark. Returns 0; EBUSY; or EOWNERDEAD: the caller then gives back what the
 * last owner had, and makes the mutex consistent.
 */
int record_lock(struct mapping *map, struct shm_participant *rec, bool ask);

/*
 * Unlocks the record's mutex. False if the mutex stays locked, because another
 * thread is in the door or the mutex is damaged. It then stays in the thread's
 * robust list until the kernel marks it at the thread's end, and the caller
 * keeps the mapping.
 */
bool record_unlock(struct mapping *map, struct shm_participant *rec);

#endif
