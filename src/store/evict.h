/* SPDX-License-Identifier: MIT */
/*
 * Makes room, when slots or value memory run short, by removing keys.
 *
 * Three hands go round the slots. The free hand looks for free slots. The
 * expiry hand looks for slots past their lifetime. If it finds none within its
 * reach, the evictor ends the probation of new keys, the oldest of these first
 * (store/probation.h), so keys that are asked for only once do not displace
 * those in use. If too few of them go, the evicting hand chooses among the
 * others, by CLOCK with counters: for each read of a slot it spares the slot
 * once more, twice at most.
 *
 * Readers note their hits in a ring in their own record, and an evictor
 * credits the slots: a look-up writes no shared line. The evictor passes over
 * a hit if one of the thread's last few hits before it was of the same slot. A
 * ring that overflows loses the oldest hits, which only makes the choice
 * coarser.
 *
 * A flight under way is never evicted. An evicted slot waits for its grace
 * period. Its evictor remembers the slot, so that the same two steps of the
 * epoch serve a whole batch. If the evictor forgets or dies, a hand finds the
 * slot again.
 */
#ifndef STORE_EVICT_H
#define STORE_EVICT_H

#include "store/slot.h"

/*
 * Claims a slot for a new key (FLIGHT-T1), and evicts if none is free. Returns
 * 0 with the slot and its control word (MAKING), -ENOSPC, or slot_take()'s
 * -EOVERFLOW.
 */
int evict_for_slot(struct peer *p, uint32_t *slot, uint64_t *ctl);

/*
 * Evicts slots that have `granules` of value memory together, if possible, and
 * frees some of that memory; the rest comes free in later calls. Returns 0 or
 * -ENOSPC.
 */
int evict_for_memory(struct peer *p, uint32_t granules);

/* A reader notes a hit, in its own record. */
static inline void evict_note_hit(struct shm_participant *rec, uint32_t slot)
{
	uint32_t n = load_relaxed(&rec->hits);

	store_relaxed(&rec->hit[n % SHM_HITS], slot);
	store_relaxed(&rec->hits, n + 1);
}

#endif
