/* SPDX-License-Identifier: MIT */
/*
 * The phases, kinds and stages that users see, by name.
 */
#ifndef LOOK_PHASE_H
#define LOOK_PHASE_H

#include <sfshm/inspect.h>
#include <sfshm/save.h>

/* A phase that only the tools know: the leader or holder is dead. */
#define PHASE_DEAD (SFSHM_PHASE_RETIRED + 1)

/*
 * Reads a slot with sfshm_view_slot(). A semaphore is busy while permits are
 * held, else idle: the phase of its slot says nothing to users, nor do the size
 * and the times of the record that its slot has.
 *
 * A lock that threads share is busy, too, and belongs to none of them. A thread
 * that wants it alone owns the slot already while it waits for them; it is
 * shown as one that waits.
 */
int phase_view_slot(struct sfshm_view *view, uint32_t index,
		    struct sfshm_slot_info *slot);

/* The slot's phase; PHASE_DEAD if its last leader is dead and nobody leads. */
int phase_of_slot(const struct sfshm_slot_info *slot);

/* Whether several threads may hold it: a semaphore, or a shared lock. */
int phase_is_shared(const struct sfshm_slot_info *slot);

/* Whether the slot holds a key, in a phase that users know. */
int phase_is_key(const struct sfshm_slot_info *slot);

/* "idle", "busy", "done", "failed" or "dead"; NULL for other phases. */
const char *phase_name(int phase);

/* The phase of that name; -1 for other words. */
int phase_parse(const char *name);

/* "value", "claim", "lock", "semaphore" or "save"; and the other way round. */
const char *kind_name(enum sfshm_kind kind);
int kind_parse(const char *name);

/* "reserved" to "announced"; NULL for none. */
const char *stage_name(uint32_t stage);

#endif
