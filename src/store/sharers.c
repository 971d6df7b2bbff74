/* SPDX-License-Identifier: MIT */
#include "store/sharers.h"

#include "os/killpoint.h"
#include "peer/liveness.h"
#include "peer/wait.h"

/*
 * ORDER-W2 pairs ORDER-W1
 * A writer or evictor changes the control word before it looks at the sharers'
 * words.
 */
static uint32_t *word_naming(struct shm_participant *rec, uint32_t slot)
{
	for (int i = 0; i < SHM_SHARED; i++)
		if (load_seq(&rec->shared[i]) == slot + 1)
			return &rec->shared[i];
	return NULL;
}

uint32_t *sharer_word(const struct mapping *map, uint32_t index, uint32_t slot)
{
	struct shm_participant *rec = &map->participants[index];
	uint32_t *word = word_naming(rec, slot), life;

	return word && !life_proven_dead(map, rec, &life) ? word : NULL;
}

uint32_t sharers_count(const struct mapping *map, uint32_t slot)
{
	uint32_t used = participants_used(map), n = 0;

	for (uint32_t i = 0; i < used; i++)
		n += sharer_word(map, i, slot) != NULL;
	return n;
}

uint32_t sharers_count_all(const struct mapping *map)
{
	uint32_t used = participants_used(map), n = 0, life;

	for (uint32_t i = 0; i < used; i++) {
		struct shm_participant *rec = &map->participants[i];

		if (life_proven_dead(map, rec, &life))
			continue;
		for (int k = 0; k < SHM_SHARED; k++)
			n += load_seq(&rec->shared[k]) != 0;
	}
	return n;
}

uint64_t sharers_keep(const struct mapping *map, uint32_t slot, uint64_t ctl)
{
	uint64_t kept = ctl_make(ctl_gen(ctl) + 1, 0, LOCK_KEPT, ctl);

	if (ctl_gen(kept) >= CTL_GEN_END ||
	    !cas_seq(&map->slots[slot].ctl, ctl, kept))
		return 0;
	kill_point(share_closing);
	return kept;
}

bool sharers_close(const struct mapping *map, uint32_t slot, uint64_t *ctl)
{
	if (sharers_count(map, slot))
		return false;
	if (ctl_phase(*ctl) == PHASE_IDLE) {
		*ctl = sharers_keep(map, slot, *ctl);
		return *ctl && !sharers_count(map, slot);
	}
	return ctl_phase(*ctl) == LOCK_KEPT;
}

/* ORDER-W1 pairs ORDER-W2 */
void sharer_drop(const struct mapping *map, uint32_t slot, uint32_t *word)
{
	uint64_t ctl;

	store_seq(word, 0);
	kill_point(share_dropped);
	ctl = load_seq(&map->slots[slot].ctl);
	if (unlikely((ctl_busy(ctl) && ctl & LOCK_SHARED) ||
		     load_seq(&map->header->moved)))
		sys.wake(word, INT32_MAX);
	/* ORDER-E2 pairs ORDER-E1 */
	if (unlikely(load_seq(&map->cold[slot].event) & EVENT_POLLED))
		event_wake(map, &map->cold[slot].event, false);
}

void sharer_sweep(struct peer *v)
{
	for (int i = 0; i < SHM_SHARED; i++) {
		uint32_t *word = &v->record->shared[i];
		uint32_t slot = load_relaxed(word) - 1;

		if (slot == UINT32_MAX)
			continue;
		/* Wakes the waiters before it clears the word: if this reaper
		   dies in between, the next one still finds the word. */
		if (slot_at(v->map, slot))
			event_wake(v->map, &v->map->cold[slot].event, true);
		store_seq(word, 0);
		kill_point(share_swept);
		sys.wake(word, INT32_MAX);
	}
}
