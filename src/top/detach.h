/* SPDX-License-Identifier: MIT */
/*
 * Locks and permits of a process: turning those of a thread into them, and
 * ending them in any thread. The rules of sync/move.h and sync/permit.h hold.
 */
#ifndef TOP_DETACH_H
#define TOP_DETACH_H

#include <sfshm/semaphore.h>

#include "os/overlay.h"
#include "sync/lock.h"
#include "sync/permit.h"
#include "top/handle.h"

/* The contents of struct sfshm_permit. */
struct permit {
	struct mapping *map; /* NULL: nothing is held */
	uint64_t life;       /* identifies the holder: peer_of(); or an entry:
				see sync/detached.h */
	uint64_t cookie;
	uint32_t *word;
	uint32_t slot;
	uint32_t rank;
	uint64_t serial; /* of the mapping, if the permit is its process's */
} overlay;
OVERLAY_FITS(struct permit, struct sfshm_permit);

/* Whether any thread of the process may give the permit back. */
static inline bool permit_of_process(const struct permit *t)
{
	return (int64_t)load_relaxed(&t->life) > 0;
}

/*
 * Turn what the calling thread has just taken into a lock or a permit of its
 * process, for the task. The thread has called detached_reserve() before it
 * took the lock or the permit.
 */
void detach_lock(const struct sfshm *h, uint64_t task, struct hold *held);
void detach_permit(const struct sfshm *h, uint64_t task,
		   const struct semaphore *s, struct permit *t);

/*
 * Give a lock or a permit of the process back. Return as the public calls do.
 */
int detach_unlock(struct hold *held);
int detach_release(struct permit *t);

/* Does sfshm_lock_key() for a lock of the process. */
int detach_lock_key(const struct hold *held, void *buffer, size_t size);

/*
 * Gives back the lock or the permit of an entry that the caller has claimed.
 * Returns whether the process had it.
 */
bool detach_give_back(const struct detached *d, struct peer *p,
		      uint64_t number);

#endif
