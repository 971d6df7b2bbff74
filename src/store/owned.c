/* SPDX-License-Identifier: MIT */
#include "store/owned.h"

#include "store/slot.h"

/*
 * Whether the note may go, because P does not own the slot. P's own thread
 * asks, so P is not about to claim the slot either. A semaphore's note stays,
 * because P may hold permits of the semaphore.
 */
static bool outdated(const struct peer *p, uint32_t note)
{
	const struct shm_slot *s = slot_at(p->map, note - 1);

	return !s || (slot_kind(s) != SHM_SEMAPHORE &&
		      ctl_owner(load_seq(&s->ctl)) != p->id);
}

void owned_note_anew(struct peer *p, uint32_t slot)
{
	struct shm_participant *rec = p->record;
	uint32_t *place = NULL;

	for (int i = 0; i < SHM_OWNED; i++) {
		if (load_relaxed(&rec->owned_overflow))
			return;
		if (!outdated(p, load_relaxed(&rec->owned[i])))
			continue;
		store_relaxed(&rec->owned[i], 0);
		place = &rec->owned[i];
	}
	if (place)
		store_relaxed(place, slot + 1);
	else
		store_relaxed(&rec->owned_overflow, 1);
}
