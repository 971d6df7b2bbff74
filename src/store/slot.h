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

/*
 * T1: claims a free slot for P, evicting where there is none: expired keys
 * first, then those that the hand has passed once since they were last
 * published. Returns 0 with the slot and its control word (MAKING), -ENOSPC
 * or -EBADMSG.
 */
int slot_make(struct peer *p, uint32_t *slot, uint64_t *ctl);

/* T9: gives a slot back that was never linked. `ctl` is as it stands. */
void slot_unmake(struct peer *p, uint32_t slot, uint64_t ctl);

/*
 * T10, T11: retires a slot as it was seen (`ctl`), and does what can be done
 * of the rest. False: it has changed meanwhile.
 */
bool slot_retire(struct peer *p, uint32_t slot, uint64_t ctl);

/* T12: carries a retired slot on, into limbo. Anybody may, at any time. */
void slot_unlink(struct peer *p, uint32_t slot, uint64_t ctl);

/* Frees value memory by evicting one slot; 0 or -ENOSPC. */
int slot_evict(struct peer *p);

#endif
