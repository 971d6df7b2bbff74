/* SPDX-License-Identifier: MIT */
#include "store/evict.h"

#include <errno.h>
#include <sched.h>

#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/wait.h"
#include "segment/reserve.h"

/* Slots looked at before more are brought into use. */
#define PROBES 8
/* How far the expiry hand goes for one victim. */
#define EXPIRY_REACH 32
/* Passes of the hand that reads can earn a slot. */
#define MOST_CREDIT 3
/* How long to go on while the epoch stands still. */
#define PATIENCE_NS (200 * NS_PER_MS)

static uint32_t advance_hand(uint32_t *hand, uint32_t used)
{
	return used ? fetch_add_relaxed(hand, 1) % used : 0;
}

/* Credits what was read since somebody last evicted. */
static void credit_hits(struct mapping *map)
{
	uint32_t used = participants_used(map);

	for (uint32_t i = 0; i < used; i++) {
		struct shm_participant *rec = &map->participants[i];
		uint32_t to = load_relaxed(&rec->hits);
		uint32_t from = load_relaxed(&rec->hits_seen);

		if (to - from > SHM_HITS)
			from = to - SHM_HITS;
		for (; from != to; from++) {
			uint32_t hit = load_relaxed(&rec->hit[from % SHM_HITS]);
			struct shm_slot *s = slot_at(map, hit);

			if (s && load_relaxed(&s->recent) < MOST_CREDIT)
				store_relaxed(&s->recent,
					      load_relaxed(&s->recent) + 1);
		}
		if (load_relaxed(&rec->hits_seen) != to)
			store_relaxed(&rec->hits_seen, to);
	}
}

/* Past all its lifetimes, and nobody is about to read it. */
static bool expired(const struct shm_slot *s, uint64_t ctl)
{
	uint64_t now = sys.coarse();
	const struct shm_field *value = &s->field[ctl_cur(ctl)];
	const struct shm_field *error = &s->field[!ctl_cur(ctl)];

	return !load_relaxed(&s->recent) &&
	       !(ctl_has(ctl) && field_fresh(value, now)) &&
	       !(ctl_phase(ctl) == PHASE_FAILED && field_fresh(error, now));
}

static void remember(struct peer *p, uint32_t slot)
{
	p->limbo[p->limbo_count++ % PEER_LIMBO] = slot;
}

static bool retire(struct peer *p, uint32_t slot, uint64_t ctl,
		   enum shm_counter why)
{
	if (!slot_retire(p, slot, ctl))
		return false;
	peer_count(p, why);
	remember(p, slot);
	return true;
}

static bool retire_expired(struct peer *p, uint32_t used)
{
	uint32_t *hand = &p->map->header->expiry_hand;

	for (uint32_t n = 0; n < EXPIRY_REACH && n < used; n++) {
		uint32_t slot = advance_hand(hand, used);
		struct shm_slot *s = &p->map->slots[slot];
		uint64_t ctl = load_seq(&s->ctl);

		if (ctl_at_rest(ctl) && expired(s, ctl) &&
		    retire(p, slot, ctl, COUNT_expirations))
			return true;
	}
	return false;
}

/* Whoever met a slot of the dead has it reaped. */
static void reap_owner(struct peer *p, uint64_t ctl)
{
	uint32_t index = ctl_owner(ctl) - 1;
	struct shm_participant *owner = participant_at(p->map, index);
	uint32_t word;

	if (owner && owner != p->record &&
	    life_proven_dead(p->map, owner, &word))
		peer_reap(p->map, index);
}

/* What is wanted: a slot, or any value memory that comes free with one. */
struct want {
	bool memory;
	uint32_t slot;
	uint64_t ctl;
};

static bool has_memory(const struct shm_slot *s)
{
	return load_relaxed(&s->field[0].ref) ||
	       load_relaxed(&s->field[1].ref) ||
	       load_relaxed(&s->key_len) > SHM_INLINE_KEY;
}

/* The hand comes to a slot. True if that one is on its way out now. */
static bool visit(struct peer *p, const struct want *w, uint32_t slot)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t ctl = load_seq(&s->ctl);
	uint8_t credit = load_relaxed(&s->recent);

	if (ctl_phase(ctl) == PHASE_RETIRED) {
		slot_unlink(p, slot, ctl);
		ctl = load_seq(&s->ctl);
	}
	if (ctl_owner(ctl)) {
		reap_owner(p, ctl);
		return false;
	}
	if (w->memory && !has_memory(s))
		return false;
	if (!ctl_at_rest(ctl)) {
		remember(p, slot);
		return true;
	}
	if (credit) {
		store_relaxed(&s->recent, credit - 1);
		return false;
	}
	return retire(p, slot, ctl, COUNT_evictions);
}

static bool is_free(const struct mapping *map, uint32_t slot)
{
	return ctl_phase(load_seq(&map->slots[slot].ctl)) == PHASE_FREE;
}

/* Sends a batch of slots out; false if a whole round found none. */
static bool evict_batch(struct peer *p, const struct want *w)
{
	struct mapping *map = p->map;
	uint32_t used = slots_used(map);
	uint32_t want = 1 + used / 64, got = 0;
	uint64_t visits = (uint64_t)used * (MOST_CREDIT + 1) + 1;

	if (want > PEER_LIMBO)
		want = PEER_LIMBO;
	credit_hits(map);
	while (got < want && retire_expired(p, used))
		got++;
	while (got < want && visits--) {
		uint32_t slot = advance_hand(&map->header->slot_hand, used);

		got += visit(p, w, slot);
		/* While there are free ones, nobody need go. */
		if (got && is_free(map, slot))
			break;
	}
	return got > 0;
}

/* A remembered slot's grace period may be over: then it is free now. */
static bool end_limbo(struct peer *p, uint32_t slot, uint64_t c, uint64_t *ctl)
{
	/*
	 * order: G7 pairs G8
	 * Who sees the slot in limbo sees the epoch that was noted before.
	 */
	return ctl_phase(c) == PHASE_LIMBO && !ctl_owner(c) &&
	       epoch_passed(p->map,
			    load_acquire(&p->map->slots[slot].started)) &&
	       slot_reclaim(p, slot, c, ctl);
}

static uint32_t remembered(const struct peer *p)
{
	return p->limbo_count < PEER_LIMBO ? p->limbo_count : PEER_LIMBO;
}

static bool take_remembered(struct peer *p, struct want *w)
{
	for (uint32_t i = 0; i < remembered(p); i++) {
		uint64_t freed = p->freed;
		uint64_t c;

		w->slot = p->limbo[i];
		c = load_seq(&p->map->slots[w->slot].ctl);
		if (end_limbo(p, w->slot, c, &c) && w->memory &&
		    p->freed != freed)
			return true;
		w->ctl = c;
		if (!w->memory && ctl_phase(c) == PHASE_FREE)
			return true;
	}
	return false;
}

/* Forgets what needs no waiting for; false if nothing is left. */
static bool still_waiting(struct peer *p)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < remembered(p); i++) {
		uint64_t c = load_seq(&p->map->slots[p->limbo[i]].ctl);

		if (ctl_phase(c) == PHASE_LIMBO && !ctl_owner(c))
			p->limbo[kept++] = p->limbo[i];
	}
	p->limbo_count = kept;
	return kept > 0;
}

/*
 * Makes a slot free, by whatever it takes. The epoch is advanced only when
 * what is remembered is used up. While it does not move, because a reader is
 * in the way, the wait is bounded: the reader is soon expelled. While it does,
 * others get what comes free, and our turn comes.
 */
static int make_free(struct peer *p, struct want *w)
{
	struct mapping *map = p->map;
	uint64_t seen = 0, until = 0;

	while (!take_remembered(p, w)) {
		uint64_t epoch = load_relaxed(&map->header->epoch);

		if (!still_waiting(p) && !evict_batch(p, w))
			return -ENOSPC;
		if (epoch_advance(p) && epoch_advance(p))
			continue;
		if (epoch != seen || !until)
			until = sys.now() + PATIENCE_NS;
		else if (sys.now() > until)
			return -ENOSPC;
		seen = epoch;
		sched_yield();
	}
	return 0;
}

/* Brings more slots into use, and the hand to them. */
static int grow(struct mapping *map, uint32_t used)
{
	int r = grow_slots(map, used);

	if (!r)
		store_relaxed(&map->header->slot_hand, used);
	return r;
}

/* While not all slots have been in use, a free one is near the hand. */
static bool probe(struct peer *p, uint32_t *slot, uint64_t *ctl)
{
	struct mapping *map = p->map;
	uint32_t used = slots_used(map);

	for (int i = 0; used && i < PROBES; i++) {
		*slot = advance_hand(&map->header->slot_hand, used);
		*ctl = load_seq(&map->slots[*slot].ctl);
		if (ctl_phase(*ctl) == PHASE_FREE)
			return true;
	}
	return false;
}

int evict_for_slot(struct peer *p, uint32_t *slot, uint64_t *ctl)
{
	struct mapping *map = p->map;
	struct want w = { 0 };
	int r = 0;

	do {
		uint32_t used = slots_used(map);

		if (!r && used < map->geometry.slots) {
			while (!r && !probe(p, &w.slot, &w.ctl))
				r = grow(map, slots_used(map));
			if (r && !used)
				return r;
		}
		if ((r || used == map->geometry.slots) && make_free(p, &w))
			return -ENOSPC;
	} while (!slot_take(p, w.slot, w.ctl, ctl));
	*slot = w.slot;
	return 0;
}

int evict_for_memory(struct peer *p)
{
	struct want w = { .memory = true };

	return slots_used(p->map) ? make_free(p, &w) : -ENOSPC;
}
