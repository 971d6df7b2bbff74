/* SPDX-License-Identifier: MIT */
#include "sync/leader.h"

#include "os/sys.h"
#include "peer/liveness.h"

/* How often one thread asks the kernel for leaders while it does not sleep. */
#define EXAMINE_NS (100 * NS_PER_MS)

/*
 * Notes that the flight had begun by now, unless its leader has noted it. The
 * leader may have stopped between its claim and its note. The CAS is from the
 * word that was there before the note, so it cannot reach a later flight.
 */
static uint64_t guess_start(uint64_t *started, uint64_t from, uint64_t gen,
			    uint64_t now)
{
	uint64_t guess = started_make(gen, now) | STARTED_GUESSED;

	return cas_acq_rel(started, from, guess) ? guess :
						   load_acquire(started);
}

/*
 * A leader that has not noted its start has not noted its lease either, so it
 * is held to this caller's own.
 */
static uint64_t lease_end(struct call *c, struct shm_desk *cold, uint64_t ctl,
			  uint64_t now)
{
	/* ORDER-B2 pairs ORDER-B1 */
	uint64_t started = load_acquire(&cold->started);
	uint32_t ms = load_relaxed(&cold->lease_ms);
	uint64_t began;

	if (key_kind(&c->key) == SHM_LOCK)
		return 0;
	if (unlikely(!started_ns(started, ctl_gen(ctl), now)))
		started =
			guess_start(&cold->started, started, ctl_gen(ctl), now);
	began = started_ns(started, ctl_gen(ctl), now);
	if (unlikely(started & STARTED_GUESSED))
		ms = c->lease_or_rank;
	return ms && began ? ns_after(began, ms) : 0;
}

enum leader leader_look(struct call *c, const struct sighting *seen,
			struct shm_participant *owner, uint64_t now,
			uint32_t *word, uint64_t *end)
{
	struct mapping *map = c->self->map;

	*end = 0;
	if (life_proven_dead(map, owner, word))
		return LEADER_DEAD;
	if (!call_may_lead(c))
		return LEADER_WELL;
	*end = lease_end(c, &map->cold[seen->slot], seen->ctl, now);
	return *end && now >= *end ? LEADER_OVERDUE : LEADER_WELL;
}

enum leader leader_examine(struct call *c, const struct sighting *seen)
{
	enum life life = life_examine(c->self->map, ctl_owner(seen->ctl) - 1);

	if (life == LIFE_DEAD)
		return LEADER_DEAD;
	return life == LIFE_SUSPECT && key_kind(&c->key) != SHM_LOCK &&
			       call_may_lead(c) ?
		       LEADER_OVERDUE :
		       LEADER_WELL;
}

bool leader_is_gone(struct call *c, const struct sighting *seen)
{
	struct peer *p = c->self;
	uint32_t owner = ctl_owner(seen->ctl), word;
	struct shm_participant *rec = participant_at(p->map, owner - 1);
	uint64_t now = sys.coarse(), end;

	if (!call_may_lead(c) || owner == p->id)
		return false;
	if (!rec || leader_look(c, seen, rec, now, &word, &end) != LEADER_WELL)
		return true;
	if (now - p->examined < EXAMINE_NS)
		return false;
	p->examined = now;
	return leader_examine(c, seen) != LEADER_WELL;
}
