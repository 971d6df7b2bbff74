/* SPDX-License-Identifier: MIT */
#include "store/slot.h"

#include <errno.h>
#include <sched.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/wait.h"
#include "segment/reserve.h"
#include "store/claims.h"

/* Slots looked at before more are brought into use. */
#define PROBES 8
/* Visits for which only expired keys are evicted. */
#define GENTLE_VISITS 64
/* How long to go on while slots only wait for a grace period. */
#define PATIENCE_NS (20 * NS_PER_MS)

static bool take_free(struct peer *p, uint32_t slot, uint64_t ctl,
		      uint64_t *out)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t floor = load_acquire(&p->map->header->generation_floor);
	uint64_t gen = ctl_gen(ctl) > floor ? ctl_gen(ctl) : floor;
	uint64_t mine = ctl_make(gen + 2, p->id, PHASE_MAKING, 0);

	claim_note(p, slot);
	if (!cas_seq(&s->ctl, ctl, mine)) {
		claim_drop(p, slot);
		return false;
	}
	kill_point(slot_claimed);
	store_relaxed(&s->deaths, 0);
	store_relaxed(&s->recent, 1);
	*out = mine;
	return true;
}

static void raise_floor(struct mapping *map, uint64_t gen)
{
	uint64_t *floor = &map->header->generation_floor;
	uint64_t f = load_relaxed(floor);

	while (f < gen && !cas_acq_rel(floor, f, gen))
		f = load_relaxed(floor);
}

/*
 * The order matters. The floor is raised before the key can come back
 * elsewhere; the epoch is read after the slot has left its chain; and it is
 * noted by a CAS from what stood there while the slot was retired, so that a
 * helper that comes late cannot write into the slot's next life.
 */
void slot_unlink(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct mapping *map = p->map;
	struct shm_slot *s = &map->slots[slot];
	uint64_t noted = load_acquire(&s->started);
	int r;

	if (load_seq(&s->ctl) != ctl)
		return;
	raise_floor(map, ctl_gen(ctl));
	do {
		epoch_enter(p);
		r = table_unlink(p, slot, ctl);
		epoch_leave(p);
	} while (r == -EAGAIN);
	if (r)
		return;
	kill_point(retire_unlinked);
	/* order: G8 pairs G7 */
	cas_acq_rel(&s->started, noted, load_acquire(&map->header->epoch));
	cas_seq(&s->ctl, ctl, ctl_with(ctl, PHASE_LIMBO, ctl_owner(ctl)));
}

bool slot_retire(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t out = ctl_with(ctl, PHASE_RETIRED, ctl_owner(ctl));

	if (!cas_seq(&s->ctl, ctl, out))
		return false;
	kill_point(retire_decided);
	slot_unlink(p, slot, out);
	event_wake(&s->event, true);
	return true;
}

/* T14, T15. True if the slot is free now, by our doing. */
static bool reclaim(struct peer *p, uint32_t slot, uint64_t ctl,
		    uint64_t *freed)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t mine = ctl_with(ctl, PHASE_LIMBO, p->id);

	claim_note(p, slot);
	if (!cas_seq(&s->ctl, ctl, mine)) {
		claim_drop(p, slot);
		return false;
	}
	kill_point(reclaim_claimed);
	arena_free(p, slot, &s->field[0].ref);
	arena_free(p, slot, &s->field[1].ref);
	key_free(p, slot);
	kill_point(reclaim_freed);
	*freed = ctl_make(ctl_gen(ctl), 0, PHASE_FREE, 0);
	cas_seq(&s->ctl, mine, *freed);
	claim_drop(p, slot);
	return true;
}

void slot_unmake(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct shm_slot *s = &p->map->slots[slot];

	arena_free(p, slot, &s->field[0].ref);
	arena_free(p, slot, &s->field[1].ref);
	key_free(p, slot);
	cas_seq(&s->ctl, ctl, ctl_make(ctl_gen(ctl), 0, PHASE_FREE, 0));
	claim_drop(p, slot);
}

/* Worth less than what is to come? `gentle`: only if it is worth nothing. */
static bool expendable(struct shm_slot *s, uint64_t ctl, bool gentle,
		       bool *expired)
{
	uint64_t now = sys.coarse();
	const struct shm_field *value = &s->field[ctl_cur(ctl)];
	const struct shm_field *error = &s->field[!ctl_cur(ctl)];

	*expired = !(ctl_has(ctl) && field_fresh(value, now)) &&
		   !(ctl_phase(ctl) == PHASE_FAILED && field_fresh(error, now));
	return *expired || !gentle;
}

/* The hand comes to a slot: moves it one step nearer to being free. */
static void nudge(struct peer *p, uint32_t slot, uint64_t ctl, bool gentle)
{
	struct shm_slot *s = &p->map->slots[slot];
	struct shm_participant *owner;
	bool expired;
	uint32_t word;

	if (ctl_phase(ctl) == PHASE_RETIRED)
		slot_unlink(p, slot, ctl);
	if (ctl_at_rest(ctl)) {
		bool recent = load_relaxed(&s->recent);

		store_relaxed(&s->recent, 0);
		if (recent || !expendable(s, ctl, gentle, &expired))
			return;
		if (slot_retire(p, slot, ctl))
			peer_count(p, expired ? COUNT_expirations :
						COUNT_evictions);
		epoch_advance(p);
		epoch_advance(p);
	}
	owner = participant_at(p->map, ctl_owner(ctl) - 1);
	if (owner && owner != p->record &&
	    life_proven_dead(p->map, owner, &word))
		peer_reap(p->map, ctl_owner(ctl) - 1);
}

/* If the slot waits for nothing but its grace period, ends that. */
static bool try_reclaim(struct peer *p, uint32_t slot, uint64_t ctl,
			uint64_t *freed)
{
	struct shm_slot *s = &p->map->slots[slot];

	if (ctl_phase(ctl) != PHASE_LIMBO || ctl_owner(ctl))
		return false;
	/*
	 * order: G7 pairs G8
	 * Who sees the slot in limbo sees the epoch that was noted before.
	 */
	if (!epoch_passed(p->map, load_acquire(&s->started)) &&
	    !(epoch_advance(p) && epoch_advance(p) &&
	      epoch_passed(p->map, load_acquire(&s->started))))
		return false;
	return reclaim(p, slot, ctl, freed);
}

/* The hand's round: bounded in visits, and in time while slots only wait. */
struct round {
	uint64_t visits;
	uint64_t until;
	bool waiting; /* something was met that only needs time */
};

static bool round_over(struct peer *p, struct round *r)
{
	uint32_t used = slots_used(p->map);

	if (++r->visits < 3ull * used + GENTLE_VISITS)
		return false;
	if (!r->until)
		r->until = sys.now() + PATIENCE_NS;
	if (!r->waiting || sys.now() > r->until)
		return true;
	if (r->visits % used == 0) {
		r->waiting = false;
		sched_yield();
	}
	return false;
}

static uint32_t next_slot(struct peer *p)
{
	return fetch_add_relaxed(&p->map->header->slot_hand, 1) %
	       slots_used(p->map);
}

static void note_waiting(struct round *r, uint64_t ctl)
{
	if (ctl_phase(ctl) == PHASE_LIMBO || ctl_phase(ctl) == PHASE_RETIRED)
		r->waiting = true;
}

/* One visit of the hand: the slot may come out FREE, as *ctl says then. */
static bool visit(struct peer *p, uint32_t slot, struct round *r, uint64_t *ctl)
{
	struct shm_slot *s = &p->map->slots[slot];

	*ctl = load_seq(&s->ctl);
	if (ctl_phase(*ctl) == PHASE_FREE)
		return true;
	nudge(p, slot, *ctl, r->visits < GENTLE_VISITS);
	*ctl = load_seq(&s->ctl);
	note_waiting(r, *ctl);
	return try_reclaim(p, slot, *ctl, ctl);
}

/* Brings more slots into use, and the hand to them. */
static int grow(struct mapping *map, uint32_t used)
{
	int r = grow_slots(map, used);

	if (!r)
		store_relaxed(&map->header->slot_hand, used);
	return r;
}

int slot_make(struct peer *p, uint32_t *slot, uint64_t *ctl)
{
	struct mapping *map = p->map;
	struct round r = { 0 };
	bool full = false;

	for (;;) {
		uint32_t used = slots_used(map);
		uint64_t c;

		if (!used || (!full && r.visits >= PROBES)) {
			int e = grow(map, used);

			if (e && !used)
				return e;
			full = e != 0;
			r.visits = 0;
		}
		*slot = next_slot(p);
		c = load_seq(&map->slots[*slot].ctl);
		if (ctl_phase(c) == PHASE_FREE ||
		    (full && visit(p, *slot, &r, &c)))
			if (take_free(p, *slot, c, ctl))
				return 0;
		if (round_over(p, &r))
			return -ENOSPC;
	}
}

int slot_evict(struct peer *p)
{
	struct round r = { .visits = GENTLE_VISITS / 2 };
	uint64_t c;

	if (!slots_used(p->map))
		return -ENOSPC;
	do {
		uint32_t slot = next_slot(p);

		c = load_seq(&p->map->slots[slot].ctl);
		if (ctl_phase(c) != PHASE_FREE && visit(p, slot, &r, &c))
			return 0;
	} while (!round_over(p, &r));
	return -ENOSPC;
}
