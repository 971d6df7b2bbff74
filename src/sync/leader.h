/* SPDX-License-Identifier: MIT */
/*
 * The state of a flight's leader: at work, past its lease, or dead. A follower
 * looks at it before each sleep. So does a caller before it takes a stale
 * value: otherwise callers might take stale values for ever and not notice that
 * nobody makes a fresh one.
 */
#ifndef SYNC_LEADER_H
#define SYNC_LEADER_H

#include "os/sys.h"
#include "peer/liveness.h"
#include "sync/call.h"

enum leader {
	LEADER_WELL,
	LEADER_OVERDUE, /* may be alive, but the key may be taken from it */
	LEADER_DEAD,
};

/*
 * Whether this call may lead; or, if it is made for a call in the successor
 * (sync/consult.h), whether that call may. A call that may not lead takes no
 * flight from a leader that may be alive, because it could not use the lead.
 */
static inline bool call_may_lead(const struct call *c)
{
	return !(c->flags & SFSHM_FOLLOW) ||
	       (c->resize.asker && !c->resize.follows);
}

/*
 * Notes `now` as the start of the flight that was seen, unless its leader has
 * noted the start: the leader may have stopped between its claim and its note.
 * The CAS expects the value that `started` had while the flight was under way.
 * So the CAS fails if a later flight has noted its start there, or if the slot
 * has left its chain and has got its stamp. Returns the value of `started`
 * after the CAS.
 */
uint64_t leader_guess_start(struct mapping *map, const struct sighting *seen,
			    uint64_t now);

/*
 * Returns when the leader's lease ends, ns, or 0: never. Until a leader has
 * noted its start, lease_ms may be an earlier flight's; so the caller's own
 * lease counts.
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

/* Whether the flight is a put's; or its leader has not noted its start yet. */
static inline bool leader_may_put(const struct mapping *map,
				  const struct sighting *seen, uint64_t now)
{
	const struct shm_desk *cold = &map->cold[seen->slot];
	/* ORDER-B2 pairs ORDER-B1 */
	uint64_t started = load_acquire(&cold->started);

	return !started_ns(started, ctl_gen(seen->ctl), now) ||
	       started & STARTED_GUESSED ||
	       load_relaxed(&cold->lease_ms) == PUT_LEASE;
}

/*
 * Looks at the leader once. *word is the leader's liveness word as read, for a
 * sleep on it; *end is when the leader's lease ends, ns, or 0: never.
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
 * For a caller that does not mean to sleep: whether it should replace the
 * leader. That is so if the caller may lead and has not found its claim busy,
 * and the leader is dead or overdue. Now and then the caller also asks the
 * kernel about the leader, as a sleeper does after each slice. So it learns of
 * deaths that the kernel does not mark.
 */
bool leader_is_gone(struct call *c, const struct sighting *seen);

/*
 * Whether it is time for a thread that does not sleep to ask the kernel about
 * those that it waits for; notes that the thread does so now.
 */
bool leader_ask_now(struct peer *p);

/*
 * Asks the kernel about the leader. LEADER_OVERDUE: the leader may be dead.
 * LEADER_WELL says nothing about the leader's lease.
 */
enum leader leader_examine(struct call *c, const struct sighting *seen);

#endif
