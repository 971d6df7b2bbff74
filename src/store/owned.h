/* SPDX-License-Identifier: MIT */
/*
 * The slots that a participant owns. A participant notes each slot in its
 * record before it claims the slot, so its reaper need not search. The notes
 * name every slot that the participant owns, and may name others. If a note
 * does not fit, the participant sets `owned_overflow`, and its reaper searches
 * all slots. A note also outlives the ownership of a flight that moved to
 * another record (FLIGHT-T20), until its participant needs the place. So a note
 * alone is no proof that the participant owns anything: see
 * flight_note_stands() in sync/flight.h.
 *
 * A note also keeps a removed semaphore's memory from reuse (SEMAPHORE-8).
 */
#ifndef STORE_OWNED_H
#define STORE_OWNED_H

#include "peer/participant.h"

/*
 * Drops the notes of slots that P does not own, and second notes of slots that
 * P owns; then notes the slot.
 */
void owned_note_anew(struct peer *p, uint32_t slot);

static inline void owned_note(struct peer *p, uint32_t slot)
{
	struct shm_participant *rec = p->record;

	for (int i = 0; i < SHM_OWNED; i++) {
		if (load_relaxed(&rec->owned[i]))
			continue;
		store_relaxed(&rec->owned[i], slot + 1);
		compiler_barrier();
		return;
	}
	owned_note_anew(p, slot);
	compiler_barrier();
}

static inline void owned_drop(struct peer *p, uint32_t slot)
{
	struct shm_participant *rec = p->record;

	compiler_barrier();
	for (int i = 0; i < SHM_OWNED; i++) {
		if (load_relaxed(&rec->owned[i]) != slot + 1)
			continue;
		store_relaxed(&rec->owned[i], 0);
		return;
	}
}

#endif
