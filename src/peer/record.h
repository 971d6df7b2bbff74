/* SPDX-License-Identifier: MIT */
/*
 * The mutex of a record: locked, unlocked and marked, each in its door.
 *
 * Outside the door the record names who holds the mutex (pid_ns, pid, tid),
 * be it the owner or a reaper. Inside, `tid` is 0 while that may be untrue. So
 * whoever enters and finds the mutex held, not marked, and
 *
 *   tid  > 0   asks the kernel for that thread, and whether its process has
 *              ended, for a thread that calls exec() loses its id before the
 *              kernel goes through its mutexes
 *   tid == 0   knows that the one who was in the door before is the holder,
 *              and is dead: the door was taken from it
 *
 * If the holder is gone, the kernel will not mark the mutex any more: this is
 * done in its place, and the mutex locked as any dead one's.
 */
#ifndef PEER_RECORD_H
#define PEER_RECORD_H

#include "segment/mapping.h"

/*
 * Locks the record's mutex if nobody has it, or somebody dead; `ask` says to
 * look for deaths that the kernel did not mark. Whatever life the record had is
 * ended then. Returns 0; EOWNERDEAD: what its last owner had is to be given
 * back, and the mutex to be made consistent; or EBUSY.
 */
int record_lock(struct mapping *map, struct shm_participant *rec, bool ask);

/*
 * Unlocks it. False: it stays locked, for somebody is in the door, or the
 * mutex is damaged. Then it stands in the thread's list until the thread ends,
 * which the kernel marks, and the mapping must stay.
 */
bool record_unlock(struct mapping *map, struct shm_participant *rec);

#endif
