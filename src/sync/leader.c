/* SPDX-License-Identifier: MIT */
#include "sync/leader.h"

#include "os/sys.h"
#include "peer/liveness.h"
#include "sync/move.h"

/* A thread that does not sleep asks the kernel at most once in this time. */
#define EXAMINE_NS (100 * NS_PER_MS)

uint64_t leader_guess_start(struct mapping *map, const struct sighting *seen,
			    uint64_t now)
{
	uint64_t *started = &map->cold[seen->slot].started;
	uint64_t gen = ctl_gen(seen->ctl), guess;
	/*
	 * ORDER-B4 pairs ORDER-B3
	 * If this load returns a later flight's time or a stamp, the next load
	 * shows that the control word has changed.
	 */
	uint64_t from = load_acquire(started);

	if (load_seq(&map->slots[seen->slot].ctl) != seen->ctl ||
	    started_ns(from, gen, now))
		return from;
	guess = started_make(gen, now) | STARTED_GUESSED;
	return cas_acq_rel(started, from, guess) ? guess :
						   load_acquire(started);
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

bool leader_ask_now(struct peer *p)
{
	uint64_t now = sys.coarse();

	if (now - p->examined < EXAMINE_NS)
		return false;
	p->examined = now;
	return true;
}

bool leader_is_gone(struct call *c, const struct sighting *seen)
{
	struct peer *p = c->self;
	uint32_t owner = ctl_owner(seen->ctl), word;
	struct shm_participant *rec = participant_at(p->map, owner - 1);
	uint64_t now = sys.coarse(), end;

	if (!call_may_lead(c) || c->claim.busy ||
	    (owner == p->id &&
	     !flight_is_detached(p->map, seen->slot, seen->ctl)))
		return false;
	if (!rec || leader_look(c, seen, rec, now, &word, &end) != LEADER_WELL)
		return true;
	return leader_ask_now(p) && leader_examine(c, seen) != LEADER_WELL;
}
