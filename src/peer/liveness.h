/* SPDX-License-Identifier: MIT */
/*
 * Is that participant alive?
 *
 *   word of the mutex            record's tid    meaning
 *   0                            any             nobody holds the record
 *   OWNER_DIED set               any             dead: proven
 *   a TID that is record's tid   that tid        alive, as far as is known
 *   another TID                  any             held by a reaper, or being
 *                                                attached: whoever the record
 *                                                names as tid is gone
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

/* From the words alone; *word gets what the futex word said. */
bool life_proven_dead(const struct mapping *map, struct shm_participant *rec,
		      uint32_t *word);

/*
 * Asks the kernel as well. A death proven this way is marked in the word, as
 * the kernel would have, and everybody who sleeps on it is woken.
 */
enum life life_examine(struct mapping *map, uint32_t index);

/* Someone alive holds the record, be it only a reaper. */
bool life_held(const struct mapping *map, struct shm_participant *rec);

#endif
