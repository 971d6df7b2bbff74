/* SPDX-License-Identifier: MIT */
/*
 * The door of a record: who may touch its mutex.
 *
 * The kernel marks a dying thread's mutexes by comparing words with the
 * thread's id, which a thread in another PID namespace may have, too. The
 * mutexes that it holds are its own; but libc names one more to the kernel
 * (list_op_pending) while it locks or unlocks it. Should the thread die then,
 * and a twin have become the owner meanwhile, the twin would be marked. So:
 *
 *  O1. Only who is in the door of a record tries its mutex, unlocks it, or
 *      marks its word.
 *  O2. A thread is in the door for as long as its list_op_pending may name
 *      that mutex: nobody becomes the owner meanwhile.
 *  O3. The word names the process that is in the door by a number that no
 *      other process ever has: neither thread ids nor PID namespaces come
 *      into it.
 *  O4. A process that goes through doors holds the byte lock that the number
 *      gives, for as long as it has the segment mapped. The kernel drops it
 *      after all threads of the process have ended and their mutexes have been
 *      gone through. So a door is taken from a process whose lock is gone, by
 *      one CAS from the word that was looked at, which no living process can
 *      put there again.
 *
 *   0      -> P      enter: P may lock, unlock, mark
 *   P      -> 0      leave: P's list_op_pending names the mutex no more
 *   D      -> P      D's process is dead: its lock is gone
 *
 * Nobody waits for who stands in a door for long: an attacher takes another
 * record, a reaper leaves this one alone, and who detaches leaves the mutex
 * to the kernel. So one who is stopped there costs one record. A thread that
 * dies there alone, its process going on, costs it until the process ends. A
 * process whose descriptor was closed says so in the word (DOOR_UNPROVEN): to
 * die there costs the record for good. Closed while a thread is inside, it
 * looks dead: as close_range() goes through a daemon's start, no thread
 * should attach or end.
 */
#ifndef PEER_DOOR_H
#define PEER_DOOR_H

#include "segment/mapping.h"

/* The number's other bits; where its byte lock lies begins at DOOR_LOCKS. */
#define DOOR_TAKEN UINT64_C(1)    /* so that the word is not 0 */
#define DOOR_UNPROVEN UINT64_C(2) /* no byte lock tells that it lives */
#define DOOR_LOCKS (UINT64_C(1) << 62)

/*
 * Enters the record's door; `mend` says to look whether somebody dead is in
 * it. Returns the word to leave with, or 0: somebody is in it.
 */
uint64_t door_enter(struct mapping *map, struct shm_participant *rec,
		    bool mend);
void door_leave(struct shm_participant *rec, uint64_t door);

/* Opens the door if somebody dead is in it. */
void door_mend(struct mapping *map, struct shm_participant *rec);

/* Whether the process with that cookie may still have threads. */
bool door_process_lives(struct mapping *map, uint64_t cookie);

/* Takes this process's lock again, once its locks may have been dropped. */
void door_relock(struct mapping *map);

#endif
