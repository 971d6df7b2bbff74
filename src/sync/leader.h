/* SPDX-License-Identifier: MIT */
/*
 * How the leader of a flight is: at work, past its time, or dead. Followers ask
 * before they sleep, and callers before they take a stale value: else stale
 * values would hide for ever that nobody makes a fresh one.
 */
#ifndef SYNC_LEADER_H
#define SYNC_LEADER_H

#include "os/sys.h"
#include "peer/liveness.h"
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
 * Notes that the flight that was seen had begun by now, unless its leader has
 * noted it. The leader may have stopped between its claim and its note. The CAS
 * is from a word that was there while the flight was on, so it reaches neither
 * a later flight nor the stamp of a slot that has left its chain. Returns the
 * word that stands there.
 */
uint64_t leader_guess_start(struct mapping *map, const struct sighting *seen,
			    uint64_t now);

/*
 * A leader that has not noted its start has not noted its lease either, so it
 * is held to this caller's own.
 */
static inline uint64_t
leader_lease_end(struct call *c, const struct sighting *seen, uint64_t now)
{
	struct mapping *map = c->self->map;
	struct shm_desk *cold = &map->cold[seen->slot];
	/* ORDER-B2 pairs ORDER-B1 */
	uint64_t started = load_acquire(&cold->started);
	uint32_t ms = load_relaxed(&cold->lease_ms);
	uint64_t began;

	if (key_kind(&c->key) == SHM_LOCK)
		return 0;
	if (unlikely(!started_ns(started, ctl_gen(seen->ctl), now)))
		started = leader_guess_start(map, seen, now);
	began = started_ns(started, ctl_gen(seen->ctl), now);
	if (unlikely(started & STARTED_GUESSED))
		ms = c->lease_or_rank;
	return ms && began ? ns_after(began, ms) : 0;
}

/*
 * Looks at the leader once. *word is the leader's liveness word as read, for a
 * sleep on it; *lease_end is when the leader's time is up, ns, or 0: never.
 */
static inline enum leader leader_look(struct call *c,
				      const struct sighting *seen,
				      struct shm_participant *owner,
				      uint64_t now, uint32_t *word,
				      uint64_t *end)
{
	struct mapping *map = c->self->map;

	*end = 0;
	if (life_proven_dead(map, owner, word))
		return LEADER_DEAD;
	if (!call_may_lead(c))
		return LEADER_WELL;
	*end = leader_lease_end(c, seen, now);
	return *end && now >= *end ? LEADER_OVERDUE : LEADER_WELL;
}

/*
 * Whether a caller that would not sleep should replace the leader instead: it
 * may lead, has not found its claim busy, and the leader is dead or overdue.
 * Now and then it asks the kernel, too, as a sleeper does after each slice; so
 * it learns of deaths that the kernel does not mark.
 */
bool leader_is_gone(struct call *c, const struct sighting *seen);

/*
 * Asks the kernel for the leader. LEADER_OVERDUE: the leader is suspected to be
 * dead. LEADER_WELL says nothing of the lease.
 */
enum leader leader_examine(struct call *c, const struct sighting *seen);

#endif
