/* SPDX-License-Identifier: MIT */
#include "sync/fast.h"

#include "os/sys.h"
#include "store/evict.h"
#include "sync/lead.h"

static in_line void tell(struct sfshm_result *r, const struct shm_front *f,
			 uint64_t gen, uint64_t now, uint32_t len)
{
	uint64_t stored = front_stored(f);

	r->source = SFSHM_CACHED;
	r->code = 0;
	r->leader = 0;
	r->shared = 1;
	r->owner_died = 0;
	r->uncached = 0;
	r->stale = 0;
	r->coordinated = 1;
	r->generation = gen - (uint32_t)((uint32_t)gen - load_relaxed(&f->gen));
	r->age_ns = now > stored ? now - stored : 0;
	r->value.len = len;
}

/* A value that does not lie in its key's slot; its length, or -1. */
static int64_t copy_from_afar(const struct mapping *map, uint32_t slot,
			      uint64_t ctl, struct sfshm_buf *to)
{
	const struct shm_back *back = slot_value(map, slot, ctl).back;
	uint32_t len = load_relaxed(&back->len);

	if (len > to->cap ||
	    (len && arena_read(map, load_relaxed(&back->ref), to->data, len)))
		return -1;
	return len;
}

/*
 * The usual value lies in its key's slot. All of the granule is copied then,
 * for a copy of a fixed length is a few instructions; what is beyond the
 * value's length means nothing.
 */
static in_line int64_t copy(const struct mapping *map,
			    const struct sighting *seen,
			    const struct shm_front *f, struct sfshm_buf *to)
{
	uint64_t small = load_relaxed(&f->when) & WHEN_SMALL;

	if (unlikely(!small || small > SHM_GRANULE + 1 ||
		     to->cap < SHM_GRANULE))
		return copy_from_afar(map, seen->slot, seen->ctl, to);
	copy_torn(to->data, map->slots[seen->slot].home, SHM_GRANULE);
	return (int64_t)small - 1;
}

static in_line const struct shm_front *front_of(const struct mapping *map,
						const struct sighting *seen)
{
	return slot_value(map, seen->slot, seen->ctl).front;
}

/*
 * Copies a fresh value. As in look(): the copy is whole if the control word
 * says so afterwards, and the word that was read before the key was compared
 * names this key's slot.
 */
static in_line bool take(const struct mapping *map, const struct sighting *seen,
			 uint64_t now, struct sfshm_result *r)
{
	const struct shm_front *f = front_of(map, seen);
	int64_t len = copy(map, seen, f, &r->value);

	if (unlikely(len < 0))
		return false;
	tell(r, f, ctl_gen(seen->ctl), now, (uint32_t)len);
	/* As S1, S4 and K2 in look.c. */
	fence_acquire();
	return ctl_copy_whole(seen->ctl, load_seq(&map->slots[seen->slot].ctl));
}

static in_line void count_hit(struct peer *p, uint32_t slot)
{
	evict_note_hit(p, slot);
	peer_count(p, COUNT_gets);
	peer_count(p, COUNT_hits);
}

/* Phases in which the fields mean something. */
static inline bool readable(uint64_t ctl)
{
	const uint32_t phases = 1u << PHASE_BUSY | 1u << PHASE_IDLE |
				1u << PHASE_DONE | 1u << PHASE_FAILED;

	return phases >> ctl_phase(ctl) & 1;
}

static in_line bool fresh(const struct mapping *map,
			  const struct sighting *seen, uint64_t now)
{
	return ctl_has(seen->ctl) && readable(seen->ctl) &&
	       front_fresh(front_of(map, seen), now);
}

/*
 * Takes the fresh value. That the segment has moved is looked for last, so that
 * none is taken from it after that.
 */
static in_line bool hit(struct peer *p, const struct sighting *seen,
			uint64_t now, struct sfshm_result *result)
{
	if (unlikely(!take(p->map, seen, now, result) ||
		     load_acquire(&p->map->header->moved)))
		return false;
	count_hit(p, seen->slot);
	return true;
}

bool fast_get(struct peer *p, const struct key *k, struct sfshm_result *result)
{
	uint64_t now = sys.coarse();
	struct sighting seen;

	return table_glance(p->map, k, &seen) && fresh(p->map, &seen, now) &&
	       hit(p, &seen, now, result);
}

/* Leads a slot at rest, if nothing about it is out of the ordinary. */
static in_line int lead(struct peer *p, const struct sfshm_policy *policy,
			struct sighting *seen, uint64_t now, struct flight *f,
			struct sfshm_result *result)
{
	struct mapping *map = p->map;

	if (load_relaxed(&map->slots[seen->slot].deaths) ||
	    load_relaxed(&map->predecessor) ||
	    flight_claim_as(p, seen, policy->lock_age_ms, now, false) ==
		    AGAIN ||
	    flight_confirm(p, seen) == MOVED)
		return AGAIN;
	peer_count(p, COUNT_gets);
	flight_lead(p, policy, seen, f);
	flight_tell(result, ctl_gen(seen->ctl), false, true);
	return SFSHM_LEADER;
}

int fast_begin(struct peer *p, const struct key *k,
	       const struct sfshm_policy *policy, struct flight *f,
	       struct sfshm_result *result)
{
	bool refresh = policy->flags & SFSHM_REFRESH;
	uint64_t now = sys.coarse();
	struct sighting seen;

	if (unlikely(!table_glance(p->map, k, &seen)))
		return AGAIN;
	if (!refresh && fresh(p->map, &seen, now)) {
		f->map = NULL;
		f->alone = false;
		return hit(p, &seen, now, result) ? SFSHM_CACHED : AGAIN;
	}
	if (!ctl_at_rest(seen.ctl) ||
	    (ctl_phase(seen.ctl) == PHASE_FAILED && !refresh))
		return AGAIN;
	return lead(p, policy, &seen, now, f, result);
}
