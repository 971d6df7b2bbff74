/* SPDX-License-Identifier: MIT */
#include "store/owned.h"

#include "store/slot.h"

static bool noted_before(const struct shm_participant *rec, int place)
{
	uint32_t note = load_relaxed(&rec->owned[place]);
	int i = 0;

	while (load_relaxed(&rec->owned[i]) != note)
		i++;
	return i < place;
}

/*
 * Whether the note at that place may go, because P does not own the slot, or
 * because an earlier place notes the same slot. P's own thread asks, so P is
 * not about to claim the slot either. A semaphore has one note for each permit
 * of P's, so its notes stay.
 */
static bool may_go(const struct peer *p, int place)
{
	const struct shm_participant *rec = p->record;
	const struct shm_slot *s =
		slot_at(p->map, load_relaxed(&rec->owned[place]) - 1);

	return !s || (slot_kind(s) != SHM_SEMAPHORE &&
		      (ctl_owner(load_seq(&s->ctl)) != p->id ||
		       noted_before(rec, place)));
}

void owned_note_anew(struct peer *p, uint32_t slot)
{
	struct shm_participant *rec = p->record;
	uint32_t *place = NULL;

	for (int i = 0; i < SHM_OWNED; i++) {
		if (load_relaxed(&rec->owned_overflow))
			return;
		if (!may_go(p, i))
			continue;
		store_relaxed(&rec->owned[i], 0);
		place = &rec->owned[i];
	}
	if (place)
		store_relaxed(place, slot + 1);
	else
		store_relaxed(&rec->owned_overflow, 1);
}
