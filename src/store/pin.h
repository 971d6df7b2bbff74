/* SPDX-License-Identifier: MIT */
/*
 * Pins: a chain of granules that must stay as it is.
 *
 * A pin is an entry in its owner's record that names the chain's head. The
 * field that refers to the chain carries a hint that it may be pinned; the
 * legal error is to say so though it is not.
 *
 * Invariants:
 *
 *  PIN-1. Who pins names the chain, sets the hint, then looks whether the field
 *      still is the current one. Who may write or free a field's chain looks
 *      at the hint after the CAS that made it so. Both sides are sequentially
 *      consistent: one of the two sees the other.
 *  PIN-2. A chain that is pinned is not freed with its slot: it becomes an
 *      orphan, by one store of its head's tag.
 *  PIN-3. An orphan that no living participant's pin names may be freed by
 *      anybody, by a CAS of its head's tag. Who makes an orphan and who gives
 *      back a pin look for that afterwards, and both have it in `doomed`
 *      until they have looked, so a reaper looks in their place.
 */
#ifndef STORE_PIN_H
#define STORE_PIN_H

#include "store/arena.h"

/*
 * Notes a pin on the chain `ref` of `field`; validate the control word after
 * it (PIN-1). Returns its place in the record, or -EMFILE.
 */
int pin_note(struct peer *p, struct shm_back *back, uint32_t ref);

/* Gives back the pin at `place`, which names `ref`. */
void pin_drop(struct peer *p, int place, uint32_t ref);

/* arena_sweep(), then gives back all pins that the owner held. */
void pin_sweep(struct peer *victim);

/* Whether somebody alive has the chain pinned. */
bool pin_exists(const struct mapping *map, uint32_t ref);

/*
 * For the field's owner, before it writes the field's chain: if that is
 * pinned, the field loses it. The chain, if any is left, may be written.
 */
void pin_push_aside(struct peer *p, uint32_t slot, struct shm_back *back);

static inline void pin_make_way(struct peer *p, uint32_t slot,
				struct shm_back *back)
{
	/*
	 * ORDER-N2 pairs ORDER-N1
	 * The claim that lets P write here was a CAS before this load.
	 */
	if (unlikely(load_seq(&back->pinned)))
		pin_push_aside(p, slot, back);
}

/* Frees a field's chain, or leaves it to its pins. */
void pin_free_field(struct peer *p, uint32_t slot, struct shm_back *back);

#endif
