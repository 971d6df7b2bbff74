/* SPDX-License-Identifier: MIT */
/*
 * How the leader of a flight is: at work, past its time, or dead. Followers ask
 * before they sleep, and callers before they take a stale value: else stale
 * values would hide for ever that nobody makes a fresh one.
 */
#ifndef SYNC_LEADER_H
#define SYNC_LEADER_H

#include "sync/call.h"

enum leader {
	LEADER_WELL,
	LEADER_OVERDUE, /* it may live; the key may be taken from it */
	LEADER_DEAD,
};

/*
 * Whether this call may lead, or the one in the successor on whose behalf it is
 * made (sync/consult.h). A call that may not takes no flight from a leader that
 * may be alive: it would win nothing.
 */
static inline bool call_may_lead(const struct call *c)
{
	return !(c->flags & SFSHM_FOLLOW) ||
	       (c->resize.asker && !c->resize.follows);
}

/*
 * Looks at the leader once. *word is the leader's liveness word as read, for a
 * sleep on it; *lease_end is when the leader's time is up, ns, or 0: never.
 */
enum leader leader_look(struct call *c, const struct sighting *seen,
			struct shm_participant *owner, uint64_t now,
			uint32_t *word, uint64_t *lease_end);

/*
 * Whether a caller that would not sleep should replace the leader instead: it
 * may lead, and the leader is dead or overdue. Now and then it asks the kernel,
 * too, as a sleeper does after each slice; so it learns of deaths that the
 * kernel does not mark.
 */
bool leader_is_gone(struct call *c, const struct sighting *seen);

/*
 * Asks the kernel for the leader. LEADER_OVERDUE: the leader is suspected to be
 * dead. LEADER_WELL says nothing of the lease.
 */
enum leader leader_examine(struct call *c, const struct sighting *seen);

#endif
