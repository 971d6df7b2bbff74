/* SPDX-License-Identifier: MIT */
/* The remarks at the end of a key's row. */
#ifndef LOOK_NOTES_H
#define LOOK_NOTES_H

#include <sfshm/inspect.h>

#include "look/text.h"

/* A flight is marked as perhaps abandoned if its leader was idle for so long,
   ms. */
#define NOTES_ABANDONED_MS 60000
extern uint64_t notes_abandoned_ms;

/* Whether the slot's flight is marked. */
int notes_is_abandoned(const struct sfshm_slot_info *slot);

/*
 * Writes what else is to be said of the slot. `columns`: the room for it; 0:
 * any. Without a view it leaves out the names of a semaphore's holders.
 */
void notes_write(struct cell *cell, struct sfshm_view *view,
		 const struct sfshm_slot_info *slot, size_t columns);

#endif
