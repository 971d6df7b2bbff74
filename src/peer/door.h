/* SPDX-License-Identifier: MIT */
/*
 * The door of a record: only a thread in the door locks, unlocks or marks the
 * record's mutex.
 *
 * When a thread dies, the kernel goes through the thread's robust list, and
 * marks each mutex in it that has the thread's id in its word. A thread in
 * another PID namespace may have the same id. The list names the mutexes that
 * the dead thread held; but while libc locks or unlocks a mutex,
 * list_op_pending names that one as well. If the thread dies at that moment,
 * and a living thread with the same id has become the owner in between, the
 * kernel marks the living thread's mutex. Hence:
 *
 *  DOOR-1. A thread tries to lock, unlocks or marks a record's mutex only while
 *      it is in the record's door.
 *  DOOR-2. A thread stays in the door for as long as its list_op_pending may
 *      name that mutex, so that no other thread becomes the owner meanwhile.
 *  DOOR-3. The door's word names the process of the thread inside, by a number
 *      that no other process ever has. The number does not depend on thread ids
 *      or PID namespaces.
 *  DOOR-4. A process that enters doors holds the byte lock of its number for as
 *      long as it has the segment mapped. The kernel drops the lock when all
 *      threads of the process have ended, after it has gone through their
 *      mutexes. So a thread may take a door from a process whose lock is gone,
 *      by one CAS from the word that the thread read: no living process can
 *      put that word there again.
 *
 *   0  -> P    P enters: it may lock, unlock, mark
 *   P  -> 0    P leaves: its list_op_pending does not name the mutex
 *   D  -> P    P enters in the place of D, whose process is dead
 *   D  -> 0    peer_examine_all() opens the door of D, whose process is dead
 *
 * Nobody waits long for a thread in a door. A thread that attaches takes
 * another record, and a reaper does not enter. A thread that detaches, and a
 * reaper that is to unlock the mutex, wait for 100 ms at most, then leave the
 * mutex locked. So a thread that stops in a door costs one record.
 *
 * The limits:
 *  - A thread that ends in a door, while its process goes on, costs the record
 *    until the process ends.
 *  - A process without a descriptor of the segment has no lock, and says so in
 *    the word (DOOR_UNPROVEN). If it dies in a door, the record is lost.
 *  - A process looks dead if it closes a descriptor of the segment while one of
 *    its threads is in a door. If a thread of another process reaps the record
 *    at that very moment, or finds no free one, it may enter as well, and the
 *    door protects neither thread.
 */
#ifndef PEER_DOOR_H
#define PEER_DOOR_H

#include "segment/mapping.h"

/* The two low bits of a door's word; the others are the number (DOOR-3). */
#define DOOR_TAKEN UINT64_C(1)    /* keeps the word from being 0 */
#define DOOR_UNPROVEN UINT64_C(2) /* its process holds no byte lock */
/*
 * Where the doors' byte locks begin in the file: behind those of the records,
 * and those of sfshm-run (tools/run/runlock.c).
 */
#define DOOR_LOCKS (UINT64_C(1) << 62)

/*
 * Enters the record's door; with `mend`, also in the place of a dead process.
 * Returns the word for door_leave(), or 0 if the door is taken.
 */
uint64_t door_enter(struct mapping *map, struct shm_participant *rec,
		    bool mend);
void door_leave(struct shm_participant *rec, uint64_t door);

/* Opens the door if the process in it is dead. */
void door_mend(struct mapping *map, struct shm_participant *rec);

/* Whether the process with that cookie may still have threads. */
bool door_process_lives(struct mapping *map, uint64_t cookie);

/* Takes this process's byte lock again, if the kernel may have dropped it. */
void door_relock(struct mapping *map);

#endif
