/* SPDX-License-Identifier: MIT */
/*
 * Whether a participant is alive.
 *
 * A record's incarnation is odd while the record has an owner. It becomes even
 * when the owner is known to be gone, and odd again when the next one attaches.
 * An owner is dead if the kernel has marked its record's mutex, or if the
 * incarnation has moved on from the odd number that it was while the owner
 * lived. Thread ids prove nothing: they repeat across PID namespaces, and with
 * time.
 *
 *  LIFE-1. The owner makes the incarnation odd, last when it attaches. Three
 *      make it even, by a CAS from the odd number: the owner, first when it
 *      detaches; a reaper, before it locks the mutex; and a thread that read
 *      the number, then asked the kernel for the owner's thread and learned
 *      that it is gone. So one of them that is late changes nothing.
 *  LIFE-2. The next owner comes only after a sweep has given back all that the
 *      last one had. So while a control word or a permit names the record, the
 *      number is that owner's, or the even one that follows. A thread that
 *      reads incarnation and mutex between two looks at the same control word
 *      (the second is the CAS that relies on it) learns of that owner.
 *  LIFE-3. The mutex is read after the incarnation. A mark found then tells of
 *      that owner's death, or of the death of a reaper that came after it.
 *  LIFE-4. The kernel marks the mutex of no thread but the one that died: see
 *      peer/door.h.
 *
 *   incarnation  mutex        meaning
 *   odd          not marked   alive, as far as is known
 *   odd          marked       dead: the kernel says so
 *   even         free         no owner
 *   even         held         by a reaper, by a thread that attaches or
 *                             detaches, or still by the dead owner, whom the
 *                             kernel did not mark
 *   even         marked       that holder is dead, too
 *
 * The kernel misses some deaths (execve by a thread other than the main one,
 * memory reaped early). In the same PID namespace a thread can ask the kernel
 * for the owner's thread: "no such thread" is proof. Elsewhere, if the owner's
 * process has lost its byte lock, that is a suspicion and no more. On suspicion
 * a follower may take a flight, because the generation fences a wrongly
 * suspected leader off; nobody may take anything else.
 */
#ifndef PEER_LIVENESS_H
#define PEER_LIVENESS_H

#include "segment/mapping.h"

enum life {
	LIFE_ALIVE,
	LIFE_SUSPECT,
	LIFE_DEAD,
};

static inline bool life_ended(uint32_t incarnation)
{
	return !(incarnation & 1);
}

/* The owner's number: while it lives, and until the next one comes (LIFE-2). */
static inline uint32_t life_number(uint32_t incarnation)
{
	return (incarnation + 1) / 2;
}

/* Whether the record has no living owner. *word is its mutex's word as read. */
bool life_proven_dead(const struct mapping *map, struct shm_participant *rec,
		      uint32_t *word);

/*
 * life_proven_dead(), and a question to the kernel. A death that the kernel's
 * answer proves ends the incarnation and wakes all that sleep on the mutex's
 * word. A follower that read the incarnation before, and falls asleep after
 * that wake, sleeps for one slice (WAIT-4).
 */
enum life life_examine(struct mapping *map, uint32_t index);

/* Ends the incarnation if it still is that odd number; true if it was. */
bool life_end(struct shm_participant *rec, uint32_t incarnation);

/* Whether the thread that the record names is gone from this PID namespace. */
bool life_thread_gone(const struct mapping *map,
		      const struct shm_participant *rec);

/* Whether a living thread holds the record, be it only a reaper. */
bool life_held(const struct mapping *map, struct shm_participant *rec);

#endif
