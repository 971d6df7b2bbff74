/* SPDX-License-Identifier: MIT */
/*
 * Whether a participant is alive.
 *
 * A record's incarnation is odd while the record has an owner. It becomes even
 * when the owner is known to be gone, and odd again when the next one attaches.
 * An owner is dead if the kernel has marked its record's mutex, or if the
 * incarnation differs from the odd number of that owner. A thread id that
 * exists proves nothing: ids repeat across PID namespaces, and with time.
 *
 *  LIFE-1. The owner makes the incarnation odd, as the last step when it
 *      attaches. One of three threads makes it even, by a CAS from the odd
 *      number: the owner, before it gives anything back as it detaches; a
 *      reaper, before it locks the mutex; or a thread that read the number,
 *      asked the kernel for the owner's thread, and learned that the thread is
 *      gone. A thread whose CAS comes late changes nothing.
 *  LIFE-2. A record gets its next owner only after a sweep has given back all
 *      that the last owner had. So while a control word or a permit names the
 *      record, the incarnation is that owner's odd number, or the even one
 *      after it. A thread that acts on a death reads the control word, then
 *      incarnation and mutex, then makes its CAS from that control word. If the
 *      CAS succeeds, the incarnation and the mutex that the thread read were
 *      those of the owner that the control word names.
 *      (A thread that gives a flight to a record which is being swept breaks
 *      this for a moment: MOVE-4 of sync/move.h.)
 *  LIFE-3. A thread reads the mutex after the incarnation. If the mutex is
 *      marked, the dead thread is that incarnation's owner, or one that locked
 *      the mutex after that owner had gone.
 *  LIFE-4. The kernel marks no mutex but those of the thread that died: see
 *      peer/door.h.
 *
 *   incarnation  mutex        meaning
 *   odd          not marked   alive, as far as is known
 *   odd          marked       dead: the kernel says so
 *   even         free         no owner
 *   even         held         by a reaper, by a thread that attaches or
 *                             detaches, or still by the dead owner, if the
 *                             kernel did not mark the mutex
 *   even         marked       that holder is dead
 *
 * Some deaths leave no mark: if a thread other than the main one calls
 * execve(), or if the OOM reaper frees the memory before the kernel reads the
 * robust list. In the same PID namespace a thread can ask the kernel for the
 * owner's thread: "no such thread" is proof. In another PID namespace, a lost
 * byte lock of the owner's process is a mere suspicion. On suspicion a caller
 * may steal the owner's flights, because the generation fences off a wrongly
 * suspected leader; nobody may take anything else, not even a lock.
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

/* The owner's number, which changes when the next owner attaches (LIFE-2). */
static inline uint32_t life_number(uint32_t incarnation)
{
	return (incarnation + 1) / 2;
}

/* Whether the record has no living owner. Stores the mutex's word in *word. */
bool life_proven_dead(const struct mapping *map, struct shm_participant *rec,
		      uint32_t *word);

/*
 * Does as life_proven_dead(), then asks the kernel. If the kernel's answer
 * proves a death, ends the incarnation and wakes all threads that sleep on the
 * mutex's word. A follower that read the incarnation before that, and falls
 * asleep after the wake, sleeps for one slice (WAIT-4).
 */
enum life life_examine(struct mapping *map, uint32_t index);

/* Makes the incarnation even, if it still is that odd number; true if so. */
bool life_end(struct shm_participant *rec, uint32_t incarnation);

/* Whether the thread that the record names is gone from this PID namespace. */
bool life_thread_gone(const struct mapping *map,
		      const struct shm_participant *rec);

/* Whether a living thread, an owner or a reaper, holds the record's mutex. */
bool life_held(const struct mapping *map, struct shm_participant *rec);

#endif
