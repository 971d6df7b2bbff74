/* SPDX-License-Identifier: MIT */
/*
 * Is that participant alive?
 *
 * A record's incarnation is odd while it has an owner, and even from when the
 * owner is known to be gone until the next one attaches. So an owner is dead
 * if its record's mutex is marked by the kernel, or if the incarnation is not
 * the odd number that it was while the owner lived. Thread ids do not come
 * into it: they repeat across PID namespaces, and with time.
 *
 *  I1. The owner sets the incarnation to odd, last when it attaches. To even,
 *      by a CAS from the number that it was, sets it: the owner, first when it
 *      detaches; a reaper, before it locks the mutex; whoever asked the kernel
 *      and was told that the thread is gone, having read the number before it
 *      asked. So whoever is late changes nothing.
 *  I2. The next owner comes only after what the last one had has been given
 *      back. So while a control word or a permit that names the record stands,
 *      the number is that owner's, or the even one that follows. Who reads the
 *      incarnation and the mutex's word between two looks at the same control
 *      word (the second is the CAS that relies on it) knows of that owner.
 *  I3. The word is read after the incarnation: a mark that is there then is
 *      that owner's death, or a reaper's who came after it.
 *  I4. The kernel marks no thread but the one that died: see peer/door.h.
 *
 *   incarnation  word of the mutex   meaning
 *   odd          not marked          alive, as far as is known
 *   odd          marked              dead: the kernel says so
 *   even         0                   nobody's
 *   even         not marked          a reaper, one who attaches or detaches
 *                                    holds it; or the dead one still does,
 *                                    whom the kernel did not mark
 *   even         marked              as the third; that one is dead
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

/* The owner's number, while it lives and until the next one comes. */
static inline uint32_t life_number(uint32_t incarnation)
{
	return (incarnation + 1) / 2;
}

/* The record's owner is gone, or it has none; *word gets what its word said. */
bool life_proven_dead(const struct mapping *map, struct shm_participant *rec,
		      uint32_t *word);

/*
 * Asks the kernel as well. A death proven this way ends the incarnation, and
 * everybody who sleeps on the record's word is woken. One who read the
 * incarnation before and goes to sleep after that sleeps for one slice (W4).
 */
enum life life_examine(struct mapping *map, uint32_t index);

/* The owner of that odd incarnation is gone. True: nobody had said so. */
bool life_end(struct shm_participant *rec, uint32_t incarnation);

/* The kernel knows no such thread as holds the record's mutex. */
bool life_thread_gone(const struct mapping *map,
		      const struct shm_participant *rec);

/* Someone alive holds the record, be it only a reaper. */
bool life_held(const struct mapping *map, struct shm_participant *rec);

#endif
