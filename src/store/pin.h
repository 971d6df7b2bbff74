/* SPDX-License-Identifier: MIT */
/*
 * Pins: a chain of granules that must stay as it is.
 *
 * A pin is an entry in its owner's record that names the chain's head. The
 * field that refers to the chain carries a hint that it may be pinned. The hint
 * may be set without a pin, which is legal.
 *
 * Invariants:
 *
 *  PIN-1. A pinning reader names the chain, sets the hint, then looks whether
 *      the field still is the current one. A thread that may write or free the
 *      field's chain looks at the hint after the CAS that let it. Both sides
 *      are sequentially consistent: one of the two sees the other.
 *  PIN-2. A chain that is pinned is not freed with its slot: it becomes an
 *      orphan, by one store of its head's tag.
 *  PIN-3. Anybody may free an orphan that no living participant pins, by a CAS
 *      of its head's tag. A thread that makes an orphan, or gives back a pin,
 *      looks afterwards whether a pin is left. It keeps the chain in `doomed`
 *      until it has looked, so that its reaper looks in its place.
 */
#ifndef STORE_PIN_H
#define STORE_PIN_H

#include "store/arena.h"

/*
 * Notes a pin on chain `ref` of the field with that `back`. The caller then
 * validates the control word (PIN-1). Returns the pin's place in the record, or
 * -EMFILE.
 */
int pin_note(struct peer *p, struct shm_back *back, uint32_t ref);

/* Gives back the pin at `place`, which names `ref`. */
void pin_drop(struct peer *p, int place, uint32_t ref);

/* arena_sweep(), then gives back all pins that the record's owner held. */
void pin_sweep(struct peer *victim);

/* Whether a living participant has the chain pinned. */
bool pin_exists(const struct mapping *map, uint32_t ref);

/*
 * For the field's owner, before it writes the field's chain: if that chain is
 * pinned, takes the chain out of the field. If the field has a chain
 * afterwards, the owner may write it.
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

/* Frees a field's chain, or leaves the chain to its pins. */
void pin_free_field(struct peer *p, uint32_t slot, struct shm_back *back);

#endif
