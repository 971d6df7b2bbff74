/* SPDX-License-Identifier: MIT */
/*
 * Taking a lock shared, and waiting for the threads that hold it so. The
 * invariants are in store/sharers.h.
 */
#ifndef SYNC_SHARED_H
#define SYNC_SHARED_H

#include "store/sharers.h"
#include "sync/lock.h"

/* flight_begin()'s answer to a call that has taken a lock shared. */
#define LOCK_TAKEN_SHARED 4096

/*
 * Whether the caller has met a lock that it already holds shared. False if
 * nobody may hold that lock shared.
 */
static inline bool shared_is_own(const struct call *c,
				 const struct sighting *seen)
{
	return unlikely(seen->ctl & LOCK_SHARED) &&
	       key_kind(&c->key) == SHM_LOCK &&
	       sharer_own(c->self->record, seen->slot);
}

/*
 * For a call that meets a lock at rest. STEP_LEAD: the call may go on. Of the
 * calls that want the lock for themselves alone, three kinds look at the
 * sharers first. A call that only tries gives up if there are any. A call that
 * parks does so at one of them (SHARE-6). A call that is made on behalf of one
 * in the successor waits for them, because it does not claim the lock here.
 */
enum step shared_meet(struct call *c, const struct sighting *seen);

/*
 * SHARE-2: takes a lock that is at rest, as a sharer. `waited`: the caller was
 * among the lock's waiters. Returns 0 with *word set, AGAIN, MOVED, or -EMFILE.
 */
int shared_take(struct peer *p, const struct sighting *seen, bool waited,
		uint32_t **word);

/*
 * shared_take() for a call. Answers it with LOCK_TAKEN_SHARED and *c->shares
 * filled in.
 */
enum step shared_join(struct call *c, const struct sighting *seen);

/*
 * The caller has made the lock's slot, or taken it over from the dead, and
 * wants to hold it shared. Returns 0 or -EBADMSG.
 */
int shared_keep(struct call *c, struct hold *held);

/*
 * SHARE-3: waits until nobody holds the lock shared. Returns 0: the caller
 * holds the lock; or an error, and the lock is at rest again.
 */
int shared_drain(struct call *c, struct hold *held);

#endif
