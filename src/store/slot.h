/* SPDX-License-Identifier: MIT */
/*
 * A slot's life: from free to a key's place and back.
 *
 * Each step is a state of the slot itself (store/ctl.h), so whoever meets a
 * slot half-way can take it further: a death between two steps loses nothing.
 */
#ifndef STORE_SLOT_H
#define STORE_SLOT_H

#include "store/table.h"

/* Is what the field holds within its lifetime? */
static inline bool field_fresh(const struct shm_field *f, uint64_t now)
{
	uint32_t ttl = load_relaxed(&f->ttl_ms);
	uint64_t stored = load_relaxed(&f->stored);

	if (ttl == UINT32_MAX)
		return true;
	return ttl && (now <= stored || now - stored < ttl * UINT64_C(1000000));
}

/* T1: claims the slot, free as `ctl` says. True, with the new word. */
bool slot_take(struct peer *p, uint32_t slot, uint64_t ctl, uint64_t *out);

/*
 * The generation of a linked slot in the making, or of any other slot as it
 * is: not below that of the key's earlier lives.
 */
static inline uint64_t slot_gen(const struct mapping *map, uint64_t ctl)
{
	uint64_t gen = ctl_gen(ctl), floor;

	if (likely(ctl_phase(ctl) != PHASE_MAKING))
		return gen;
	floor = load_acquire(&map->header->generation_floor);
	return gen > floor ? gen : floor + 1;
}

/* T9: gives a slot back that was never linked. `ctl` is as it stands. */
void slot_unmake(struct peer *p, uint32_t slot, uint64_t ctl);

/*
 * T10, T11: retires a slot as it was seen (`ctl`), and does what can be done
 * of the rest. False: it has changed meanwhile.
 */
bool slot_retire(struct peer *p, uint32_t slot, uint64_t ctl);

/* T12: carries a retired slot on, into limbo. Anybody may, at any time. */
void slot_unlink(struct peer *p, uint32_t slot, uint64_t ctl);

/* T14, T15: its grace period is over. True, with the word: free. */
bool slot_reclaim(struct peer *p, uint32_t slot, uint64_t ctl, uint64_t *freed);

#endif
