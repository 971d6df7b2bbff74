/* SPDX-License-Identifier: MIT */
/*
 * The phases, kinds and stages that users see, by name.
 */
#ifndef DUMP_PHASE_H
#define DUMP_PHASE_H

#include <sfshm/inspect.h>
#include <sfshm/save.h>

/* "idle", "busy", "done" or "failed"; NULL for slots that hold no key. */
const char *phase_name(enum sfshm_phase phase);

/* The phase of that name; -1 for other words. */
int phase_parse(const char *name);

/* "value", "claim", "lock", "semaphore" or "save"; and the other way round. */
const char *kind_name(enum sfshm_kind kind);
int kind_parse(const char *name);

/* "reserved" to "announced"; NULL for none. */
const char *stage_name(uint32_t stage);

#endif
