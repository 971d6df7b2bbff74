/* SPDX-License-Identifier: MIT */
/*
 * The slots that a participant P remembers as retired, and that wait for their
 * grace period. These notes are private, and they are hints: if P forgets a
 * slot or dies, an evictor's hand finds the slot (store/evict.h).
 */
#ifndef STORE_LIMBO_H
#define STORE_LIMBO_H

#include "store/slot.h"

/*
 * Frees remembered slots whose grace period is over, until one has what is
 * wanted. If `memory`, that is a slot whose memory has come free; else it is a
 * free slot, stored to *slot with its control word *ctl.
 */
bool limbo_take(struct peer *p, bool memory, uint32_t *slot, uint64_t *ctl);

/* Forgets slots that do not wait for a grace period. False if none is left. */
bool limbo_waits(struct peer *p);

/*
 * Ends the grace periods of slots that have their stamps by now. Waits for
 * nobody. Returns false if a reader is in the way.
 */
bool limbo_advance(struct peer *p);

/* Frees the remembered slots whose grace periods can end now. */
void limbo_harvest(struct peer *p);

#endif
