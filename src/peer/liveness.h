/* SPDX-License-Identifier: MIT */
/*
 * Is that participant alive?
 *
 * A record's incarnation is odd while it has an owner. It becomes even when the
 * owner is known to be gone, and odd again when the next one attaches. An owner
 * is dead if the kernel has marked its record's mutex, or if the incarnation is
 * not the odd number any more that it was while the owner lived. Thread ids do
 * not come into it: they repeat across PID namespaces, and with time.
 *
 *  LIFE-1. The owner makes the incarnation odd, last when it attaches. Three
 *      make it even, by a CAS from the odd number: the owner, first when it
 *      detaches; a reaper, before it locks the mutex; a thread that asked the
 *      kernel and was told that the owner's thread is gone, and that had read
 *      the number before it asked. So a late one of them changes nothing.
 *  LIFE-2. The next owner comes only after a sweep has given back all that the
 *      last one had. So while a control word or a permit stands that names the
 *      record, the number is that owner's, or the even one that follows. A
 *      thread that reads incarnation and mutex between two looks at the same
 *      control word (the second is the CAS that relies on it) knows of that
 *      owner.
 *  LIFE-3. The mutex is read after the incarnation. A mark that is there then
 *      tells of that owner's death, or of a reaper's that came after it.
 *  LIFE-4. The kernel marks the mutex of no thread but the one that died: see
 *      peer/door.h.
 *
 *   incarnation  mutex        meaning
 *   odd          not marked   alive, as far as is known
 *   odd          marked       dead: the kernel says so
 *   even         free         nobody's
 *   even         held         a reaper has it, or a thread that attaches or
 *                             detaches, or the dead owner still has it, whom
 *                             the kernel did not mark
 *   even         marked       that holder is dead, too
 *
 * The kernel misses some deaths (execve by a thread other than the main one,
 * memory reaped early). In the same PID namespace the kernel can be asked for
 * the thread: "no such thread" is proof. Elsewhere a byte lock that its
 * process no longer holds is a suspicion, and no more: flights may be taken
 * on suspicion, because their generation fences a wrongly suspected leader
 * off; nothing else may.
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

/* The owner's number, while it lives and until the next one comes (LIFE-2). */
static inline uint32_t life_number(uint32_t incarnation)
{
	return (incarnation + 1) / 2;
}

/* The record's owner is gone, or it has none; *word gets what its word said. */
bool life_proven_dead(const struct mapping *map, struct shm_participant *rec,
		      uint32_t *word);

/*
 * Asks the kernel as well. A death proven this way ends the incarnation and
 * wakes all that sleep on the mutex's word. A follower that read the incarnation
 * before and falls asleep after that wake sleeps for one slice (WAIT-4).
 */
enum life life_examine(struct mapping *map, uint32_t index);

/* Ends the incarnation if it still is that odd number; true: it was. */
bool life_end(struct shm_participant *rec, uint32_t incarnation);

/* The thread that the record names is gone, as this PID namespace tells. */
bool life_thread_gone(const struct mapping *map,
		      const struct shm_participant *rec);

/* A living thread holds the record, be it only a reaper. */
bool life_held(const struct mapping *map, struct shm_participant *rec);

#endif
