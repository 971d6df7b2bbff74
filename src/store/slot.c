/* SPDX-License-Identifier: MIT */
#include "store/slot.h"

#include <errno.h>

#include "os/killpoint.h"
#include "peer/wait.h"
#include "store/deaths.h"
#include "store/owned.h"
#include "store/pin.h"

int slot_take(struct peer *p, uint32_t slot, uint64_t ctl, uint64_t *out)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t floor = load_acquire(&p->map->header->generation_floor);
	uint64_t gen = ctl_gen(ctl) > floor ? ctl_gen(ctl) : floor;
	uint64_t mine = ctl_make(gen + 2, p->id, PHASE_MAKING, 0);

	if (unlikely(gen + 2 >= CTL_GEN_END))
		return -EOVERFLOW;
	owned_note(p, slot);
	if (!cas_seq(&s->ctl, ctl, mine)) {
		owned_drop(p, slot);
		return -EAGAIN;
	}
	fetch_add_relaxed(&p->map->header->slots_free, -1);
	kill_point(slot_claimed);
	/*
	 * ORDER-B3 pairs ORDER-B4
	 * Replaces the stamp of the slot's last life.
	 */
	store_release(&p->map->cold[slot].started,
		      started_make(ctl_gen(mine), 0));
	store_relaxed(&s->deaths, 0);
	store_relaxed(&s->recent, 0);
	*out = mine;
	return 0;
}

static void raise_floor(struct mapping *map, uint64_t gen)
{
	uint64_t *floor = &map->header->generation_floor;
	uint64_t f = load_relaxed(floor);

	while (f < gen && !cas_acq_rel(floor, f, gen))
		f = load_relaxed(floor);
}

/*
 * A stamp for a slot that the caller knows to have left its chain: the caller
 * took it out, or walked past its place and did not meet it, or found it in
 * LIMBO.
 *
 * ORDER-G9 pairs ORDER-G1
 * This reads the epoch after the slot has left. If it read the epoch earlier, a
 * reader that entered in a later epoch, and found the slot still linked, might
 * stand on the slot when the slot's grace period counts as over.
 */
static uint64_t stamp_now(const struct mapping *map)
{
	fence_seq();
	return load_acquire(&map->header->epoch) | STARTED_STAMP;
}

/*
 * Stamps a slot that is RETIRED, unowned and out of its chain. The CAS is from
 * the word that `started` had while the slot was retired, so a helper that
 * comes late cannot write into the slot's next life.
 */
static void stamp_unowned(struct mapping *map, uint32_t slot, uint64_t ctl)
{
	uint64_t *started = &map->cold[slot].started;
	uint64_t stamp = stamp_now(map), noted;

	do {
		noted = load_acquire(started);
		if (load_seq(&map->slots[slot].ctl) != ctl ||
		    noted & STARTED_STAMP)
			return;
		/* ORDER-G8 pairs ORDER-G7 */
	} while (!cas_acq_rel(started, noted, stamp));
}

/*
 * Raises the floor before the key can come back in another slot. An owned slot
 * goes to LIMBO without a stamp: its owner, or the owner's reaper, stamps it in
 * slot_yield().
 */
void slot_unlink(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct mapping *map = p->map;
	struct shm_slot *s = &map->slots[slot];
	int r;

	if (load_seq(&s->ctl) != ctl)
		return;
	/*
	 * ORDER-L5 pairs ORDER-L6
	 * The floor is raised before the CAS that marks the slot's link.
	 */
	raise_floor(map, ctl_gen(ctl));
	do {
		epoch_enter(p);
		r = table_unlink(p, slot, ctl);
		epoch_leave(p);
	} while (r == -EAGAIN);
	if (r)
		return;
	kill_point(retire_unlinked);
	if (!ctl_owner(ctl))
		stamp_unowned(map, slot, ctl);
	cas_seq(&s->ctl, ctl, ctl_with(ctl, PHASE_LIMBO, ctl_owner(ctl)));
}

void slot_yield(struct peer *p, uint32_t slot)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t c = load_seq(&s->ctl), next;

	while ((ctl_phase(c) == PHASE_RETIRED || ctl_phase(c) == PHASE_LIMBO) &&
	       ctl_owner(c) == p->id) {
		next = ctl_with(c, ctl_phase(c), 0);
		if (ctl_phase(c) == PHASE_LIMBO) {
			/* ORDER-G8 pairs ORDER-G7 */
			store_release(&p->map->cold[slot].started,
				      stamp_now(p->map));
			kill_point(yield_stamped);
		}
		if (cas_seq(&s->ctl, c, next)) {
			if (ctl_phase(c) == PHASE_RETIRED)
				slot_unlink(p, slot, next);
			return;
		}
		c = load_seq(&s->ctl);
	}
}

/*
 * Whether a record notes the slot as owned or as waited at, or may own it
 * without a note.
 *
 * ORDER-V4 pairs ORDER-V3
 * The caller has seen that the slot is retired before it looks at the notes.
 */
static bool is_noted(const struct mapping *map, uint32_t slot)
{
	uint32_t used = participants_used(map);

	fence_seq();
	for (uint32_t i = 0; i < used; i++) {
		const struct shm_participant *rec = &map->participants[i];

		if (load_relaxed(&rec->owned_overflow) ||
		    wait_slot(load_relaxed(&rec->wait)) == slot + 1)
			return true;
		for (int n = 0; n < SHM_OWNED; n++)
			if (load_relaxed(&rec->owned[n]) == slot + 1)
				return true;
	}
	return false;
}

/*
 * The stamp, with STARTED_STAMP, of a slot that is in limbo and unowned; else
 * 0. A removed semaphore that a record notes counts as not stamped, so that no
 * evictor waits for it.
 */
static uint64_t stamp_of(const struct mapping *map, uint32_t slot, uint64_t ctl)
{
	uint64_t started;

	if (ctl_phase(ctl) != PHASE_LIMBO || ctl_owner(ctl))
		return 0;
	/*
	 * ORDER-G7 pairs ORDER-G8
	 * A thread that sees the slot in limbo and unowned sees its stamp. The
	 * stamp is loaded once, because the slot's next life may overwrite it.
	 */
	started = load_acquire(&map->cold[slot].started);
	if (slot_kind(&map->slots[slot]) == SHM_SEMAPHORE &&
	    is_noted(map, slot))
		return 0;
	return (started & STARTED_STAMP) ? started : 0;
}

bool slot_is_stamped(const struct mapping *map, uint32_t slot, uint64_t ctl)
{
	return stamp_of(map, slot, ctl) != 0;
}

bool slot_grace_over(const struct mapping *map, uint32_t slot, uint64_t ctl)
{
	uint64_t stamp = stamp_of(map, slot, ctl);

	return stamp && epoch_passed(map, stamp & ~STARTED_STAMP);
}

bool slot_retire_unsaid(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t out = ctl_with(ctl, PHASE_RETIRED, ctl_owner(ctl));
	uint32_t hash = load_relaxed(&s->hash);
	uint64_t deaths = deaths_of(p->map, slot, ctl);

	if (!cas_seq(&s->ctl, ctl, out))
		return false;
	if (unlikely(deaths))
		deaths_remember(p->map, hash, deaths);
	kill_point(retire_decided);
	slot_unlink(p, slot, out);
	return true;
}

bool slot_retire(struct peer *p, uint32_t slot, uint64_t ctl)
{
	if (!slot_retire_unsaid(p, slot, ctl))
		return false;
	event_wake(p->map, &p->map->cold[slot].event, true);
	return true;
}

bool slot_reclaim(struct peer *p, uint32_t slot, uint64_t ctl, uint64_t *freed)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t mine = ctl_with(ctl, PHASE_LIMBO, p->id);

	owned_note(p, slot);
	if (!cas_seq(&s->ctl, ctl, mine)) {
		owned_drop(p, slot);
		return false;
	}
	kill_point(reclaim_claimed);
	pin_free_field(p, slot, &p->map->cold[slot].back[0]);
	pin_free_field(p, slot, &p->map->cold[slot].back[1]);
	key_free(p, slot);
	kill_point(reclaim_freed);
	*freed = ctl_make(ctl_gen(ctl), 0, PHASE_FREE, 0);
	if (cas_seq(&s->ctl, mine, *freed))
		fetch_add_relaxed(&p->map->header->slots_free, 1);
	owned_drop(p, slot);
	return true;
}

void slot_unmake(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct shm_slot *s = &p->map->slots[slot];

	pin_free_field(p, slot, &p->map->cold[slot].back[0]);
	pin_free_field(p, slot, &p->map->cold[slot].back[1]);
	key_free(p, slot);
	if (cas_seq(&s->ctl, ctl, ctl_make(ctl_gen(ctl), 0, PHASE_FREE, 0)))
		fetch_add_relaxed(&p->map->header->slots_free, 1);
	owned_drop(p, slot);
}
