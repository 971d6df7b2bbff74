/* SPDX-License-Identifier: MIT */
/*
 * Pins: a pinned chain of granules stays as it is.
 *
 * A pin is an entry in its holder's record that names the chain's head. The
 * field that refers to the chain carries a hint that the chain may be pinned.
 * The hint may be set without a pin, which is legal.
 *
 * Invariants:
 *
 *  PIN-1. A pinning reader names the chain, sets the hint, then checks that the
 *      field still is the current one. A thread that may write or free the
 *      field's chain looks at the hint after the CAS that gave it that right.
 *      These accesses are sequentially consistent, or a fence orders them, so
 *      one of the two threads sees the other.
 *  PIN-2. A pinned chain is not freed with its slot: the thread that would free
 *      the chain makes it an orphan, by one store to its head's tag.
 *  PIN-3. Any participant may free an orphan that no living participant pins,
 *      by a CAS of its head's tag. A thread that makes an orphan, or gives back
 *      a pin, looks afterwards whether a pin is left. Until it has looked, its
 *      `doomed` names the chain, so that if it dies its reaper looks instead.
 */
#ifndef STORE_PIN_H
#define STORE_PIN_H

#include "store/arena.h"

/*
 * Notes a pin on the chain of `ref`, the reference of the field with `back`.
 * The caller then validates the control word (PIN-1). Returns the pin's place
 * in the record, or -EMFILE if there is none left.
 */
int pin_note(struct peer *p, struct shm_back *back, uint32_t ref);

/* Gives back the pin at `place`, which names the chain of `ref`. */
void pin_drop(struct peer *p, int place, uint32_t ref);

/* arena_sweep(), then gives back all pins that the record's owner held. */
void pin_sweep(struct peer *victim);

/* Whether a living participant has the chain with head `ref` pinned. */
bool pin_exists(const struct mapping *map, uint32_t ref);

/*
 * The field's owner calls this before it writes the field's chain. If the chain
 * is pinned, takes it out of the field. If the field has a chain afterwards,
 * the owner may write that.
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
