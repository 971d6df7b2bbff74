/* SPDX-License-Identifier: MIT */
/*
 * Making room: which keys go when slots or value memory run short.
 *
 * Hands go round the slots. One finds free ones. The expiry hand looks for what
 * is past its lifetime; only if it finds none within its reach does the other
 * hand choose among the living: CLOCK with counters. A slot starts with nothing
 * to its credit, so a scan of keys that are asked for once passes through
 * without displacing what is in use; each read noted since gives it one more
 * pass of the hand, three at most.
 *
 * Readers note their hits in a ring in their own record, and whoever evicts
 * credits the slots: a look-up writes no shared line. Rings that overflow
 * lose the oldest hits, which only makes the choice coarser.
 *
 * A flight under way is never evicted. What is evicted waits for its grace
 * period; its evictor remembers where, so that one advance of the epoch
 * serves a batch. If the evictor forgets or dies, the hand finds it again.
 */
#ifndef STORE_EVICT_H
#define STORE_EVICT_H

#include "store/slot.h"

/*
 * Claims a slot for a new key (FLIGHT-T1), evicting where there is none free.
 * Returns 0 with the slot and its control word (MAKING), or -ENOSPC.
 */
int evict_for_slot(struct peer *p, uint32_t *slot, uint64_t *ctl);

/*
 * Frees value memory by evicting, if it can be `granules` of it, at least
 * some. 0 or -ENOSPC.
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
