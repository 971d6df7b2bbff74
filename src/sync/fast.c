/* SPDX-License-Identifier: MIT */
#include "sync/fast.h"

#include "os/probe.h"
#include "os/sys.h"
#include "peer/removal.h"
#include "store/evict.h"
#include "sync/lead.h"
#include "sync/result.h"

/*
 * A value as it was read. A second look at the control word tells whether all
 * of it belongs together.
 */
struct glimpse {
	const struct shm_slot *slot;
	struct sighting at;
	struct shm_front front;
};

/* Whether the slot's fields hold a key's results in this phase. */
static force_inline bool readable(uint64_t ctl)
{
	const uint32_t phases = 1u << PHASE_BUSY | 1u << PHASE_IDLE |
				1u << PHASE_DONE | 1u << PHASE_FAILED;

	return phases >> ctl_phase(ctl) & 1;
}

/* Reads each word once, so that the words checked are the words used. */
static force_inline void look_closer(const struct mapping *map,
				     struct glimpse *g)
{
	const struct shm_front *f =
		slot_value(map, g->at.slot, g->at.ctl).front;

	g->front.when = load_relaxed(&f->when);
	g->front.ttl_ms = load_relaxed(&f->ttl_ms);
	g->front.gen = load_relaxed(&f->gen);
}

static force_inline bool fresh(const struct mapping *map, struct glimpse *g,
			       uint64_t now)
{
	uint64_t ctl = g->at.ctl;

	look_closer(map, g);
	return ctl_has(ctl) && readable(ctl) &&
	       lives(g->front.when & ~WHEN_SMALL, g->front.ttl_ms, now);
}

static force_inline void fill_result(struct sfshm_result *r,
				     const struct glimpse *g,
				     enum sfshm_source source, uint64_t now,
				     uint32_t len)
{
	uint64_t gen = ctl_gen(g->at.ctl);
	const struct answer a = {
		.source = source,
		.uncached = source == SFSHM_AWAITED && !g->front.ttl_ms,
		.coordinated = true,
		.generation = gen - (uint32_t)((uint32_t)gen - g->front.gen),
		.now = now,
		.stored = g->front.when & ~WHEN_SMALL,
	};

	result_fill(r, &a);
	r->value.len = len;
}

/*
 * Copies a value that carries tags, unless it is outdated. Returns as
 * copy_from_afar().
 */
static int64_t copy_tagged(const struct mapping *map,
			   const struct shm_back *back, struct sfshm_buf *to)
{
	uint32_t len = load_relaxed(&back->len), ref = load_relaxed(&back->ref);
	struct shm_tagging t;

	len -= (uint32_t)sizeof(t);
	if (len > to->cap || tagging_read(map, ref, &t) ||
	    tagging_is_outdated(map, &t) ||
	    arena_read_long(map, ref, sizeof(t), to->data, len))
		return -1;
	return len;
}

/*
 * Copies a value that is not in its key's slot, or for which the buffer has
 * less room than a granule. Returns the value's length, or -1: the slow path
 * must copy the value.
 */
static __attribute__((noinline)) int64_t
copy_from_afar(const struct mapping *map, uint32_t slot, uint64_t ctl,
	       uint64_t when, struct sfshm_buf *to)
{
	const struct shm_back *back = slot_value(map, slot, ctl).back;
	uint32_t len = load_relaxed(&back->len);

	if (unlikely(tagging_in(when)))
		return copy_tagged(map, back, to);
	if (len > to->cap ||
	    (len && arena_read(map, load_relaxed(&back->ref), to->data, len)))
		return -1;
	return len;
}

/*
 * Copies the value. Usually it is in its key's slot, without tags; then the
 * whole granule is copied, because a copy of a fixed length is a few
 * instructions. The bytes beyond the value's length mean nothing.
 */
static force_inline int64_t copy(const struct mapping *map,
				 const struct glimpse *g, struct sfshm_buf *to)
{
	uint64_t small = g->front.when & WHEN_SMALL;

	if (unlikely(!small || small > SHM_GRANULE + 1 ||
		     to->cap < SHM_GRANULE))
		return copy_from_afar(map, g->at.slot, g->at.ctl, g->front.when,
				      to);
	copy_torn(to->data, g->slot->inline_granule, SHM_GRANULE);
	return (int64_t)small - 1;
}

/*
 * Takes the value into the result. As in look(), the copy is whole if a second
 * look at the control word says so. The slot is this key's: either the key was
 * compared after the first look at that word; or the word has the generation
 * that fast_landed()'s caller saw when the key was compared.
 */
static force_inline bool take(const struct mapping *map,
			      const struct glimpse *g, enum sfshm_source source,
			      uint64_t now, struct sfshm_result *r)
{
	int64_t len = copy(map, g, &r->value);

	if (unlikely(len < 0))
		return false;
	fill_result(r, g, source, now, (uint32_t)len);
	/* As ORDER-S1, ORDER-S4 and ORDER-K2 in look.c. */
	fence_acquire();
	return ctl_copy_whole(g->at.ctl, load_seq(&g->slot->ctl));
}

static force_inline void count_hit(struct shm_participant *rec, uint32_t slot)
{
	evict_note_hit(rec, slot);
	record_count(rec, COUNT_gets);
	record_count(rec, COUNT_hits);
}

/*
 * Takes the fresh value, and then checks that the segment has not moved: if it
 * has, the successor must answer.
 */
static force_inline bool hit(struct peer *p, const struct glimpse *g,
			     uint64_t now, struct sfshm_result *result)
{
	const struct mapping *map = p->map;

	if (unlikely(!take(map, g, SFSHM_CACHED, now, result) ||
		     load_acquire(&map->header->moved)))
		return false;
	count_hit(p->record, g->at.slot);
	return true;
}

bool fast_get(struct peer *p, const struct key *k, struct sfshm_result *result)
{
	uint64_t coarse = sys.coarse(), now = peer_clock(p, coarse);
	struct glimpse g;

	return !removal_is_due(p->map, coarse) &&
	       (g.slot = table_glance(p->map, k, &g.at)) &&
	       fresh(p->map, &g, now) && hit(p, &g, now, result);
}

/*
 * Leads a slot at rest, unless leaders of its key have died, the segment has a
 * predecessor, or P is to let go of slots (MOVE-6).
 */
static force_inline int lead(struct peer *p, const struct key *k,
			     const struct sfshm_policy *policy,
			     struct sighting *seen, uint64_t coarse,
			     struct flight *f, struct sfshm_result *result)
{
	struct mapping *map = p->map;

	if (load_relaxed(&map->slots[seen->slot].deaths) ||
	    load_relaxed(&map->predecessor) || load_relaxed(&p->robbed) ||
	    flight_claim_as(p, seen, policy->lock_age_ms, coarse, false) !=
		    SFSHM_LEADER ||
	    !flight_confirm(p, seen))
		return AGAIN;
	peer_count(p, COUNT_gets);
	flight_lead(p, policy, seen, f);
	flight_tell(result, ctl_gen(seen->ctl), false, true);
	flight_probe_begin(k, seen);
	return SFSHM_LEADER;
}

int fast_begin(struct peer *p, const struct key *k,
	       const struct sfshm_policy *policy, struct flight *f,
	       struct sfshm_result *result)
{
	bool refresh = policy->flags & SFSHM_REFRESH;
	uint64_t coarse = sys.coarse(), now = peer_clock(p, coarse);
	struct glimpse g;
	uint64_t ctl;

	if (removal_is_due(p->map, coarse))
		return AGAIN;
	g.slot = table_glance(p->map, k, &g.at);
	if (unlikely(!g.slot))
		return AGAIN;
	if (!refresh && fresh(p->map, &g, now)) {
		f->map = NULL;
		f->alone = false;
		return hit(p, &g, now, result) ? SFSHM_CACHED : AGAIN;
	}
	ctl = g.at.ctl;
	if (!ctl_at_rest(ctl) || policy->flags & SFSHM_CANCEL_FIRST ||
	    (ctl_phase(ctl) == PHASE_FAILED && !refresh))
		return AGAIN;
	return lead(p, k, policy, &g.at, coarse, f, result);
}

on_waking bool fast_landed(struct peer *p, const struct sighting *seen,
			   struct sfshm_result *result)
{
	struct glimpse g = {
		.slot = &p->map->slots[seen->slot],
		.at.slot = seen->slot,
	};

	/* As ORDER-F2 in table.c. */
	g.at.ctl = load_seq(&g.slot->ctl);
	/* A caller that came after an invalidation waits for a later flight. */
	if ((seen->ctl & (CTL_PHASE | CTL_INVALID)) != PHASE_BUSY ||
	    ctl_phase(g.at.ctl) != PHASE_DONE ||
	    ctl_gen(g.at.ctl) != ctl_gen(seen->ctl))
		return false;
	look_closer(p->map, &g);
	/*
	 * A value moved from a predecessor has an earlier `gen` than its
	 * flight: it is not what the follower waits for.
	 */
	if (g.front.gen != (uint32_t)ctl_gen(g.at.ctl) ||
	    !take(p->map, &g, SFSHM_AWAITED, peer_clock(p, sys.coarse()),
		  result))
		return false;
	evict_note_hit(p->record, seen->slot);
	return true;
}
