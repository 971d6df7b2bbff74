/* SPDX-License-Identifier: MIT */
#include "store/slot.h"

#include <errno.h>

#include "os/killpoint.h"
#include "peer/wait.h"
#include "store/claims.h"
#include "store/pin.h"

bool slot_take(struct peer *p, uint32_t slot, uint64_t ctl, uint64_t *out)
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
	fetch_add_relaxed(&p->map->header->slots_free, -1);
	kill_point(slot_claimed);
	/* No helper of an earlier life has noted this: see slot_unlink(). */
	store_relaxed(&p->map->desks[slot].started,
		      started_make(ctl_gen(mine), 0));
	store_relaxed(&s->deaths, 0);
	store_relaxed(&s->recent, 0);
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
 * By a CAS from what stood there while the slot was retired, so that a helper
 * that comes late cannot write into the slot's next life.
 */
static void stamp(struct mapping *map, uint32_t slot, uint64_t ctl)
{
	uint64_t *started = &map->desks[slot].started;
	uint64_t epoch = load_acquire(&map->header->epoch) | STARTED_STAMP;
	uint64_t noted;

	do {
		noted = load_acquire(started);
		if (load_seq(&map->slots[slot].ctl) != ctl ||
		    noted & STARTED_STAMP)
			return;
		/* order: G8 pairs G7 */
	} while (!cas_acq_rel(started, noted, epoch));
}

/*
 * The order matters. The floor is raised before the key can come back
 * elsewhere, and the epoch is read after the slot has left its chain.
 */
void slot_unlink(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct mapping *map = p->map;
	struct shm_slot *s = &map->slots[slot];
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
	stamp(map, slot, ctl);
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
	event_wake(&p->map->desks[slot].event, true);
	return true;
}

bool slot_reclaim(struct peer *p, uint32_t slot, uint64_t ctl, uint64_t *freed)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t mine = ctl_with(ctl, PHASE_LIMBO, p->id);

	claim_note(p, slot);
	if (!cas_seq(&s->ctl, ctl, mine)) {
		claim_drop(p, slot);
		return false;
	}
	kill_point(reclaim_claimed);
	pin_free_field(p, slot, &p->map->desks[slot].back[0]);
	pin_free_field(p, slot, &p->map->desks[slot].back[1]);
	key_free(p, slot);
	kill_point(reclaim_freed);
	*freed = ctl_make(ctl_gen(ctl), 0, PHASE_FREE, 0);
	if (cas_seq(&s->ctl, mine, *freed))
		fetch_add_relaxed(&p->map->header->slots_free, 1);
	claim_drop(p, slot);
	return true;
}

void slot_unmake(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct shm_slot *s = &p->map->slots[slot];

	pin_free_field(p, slot, &p->map->desks[slot].back[0]);
	pin_free_field(p, slot, &p->map->desks[slot].back[1]);
	key_free(p, slot);
	if (cas_seq(&s->ctl, ctl, ctl_make(ctl_gen(ctl), 0, PHASE_FREE, 0)))
		fetch_add_relaxed(&p->map->header->slots_free, 1);
	claim_drop(p, slot);
}
