/* SPDX-License-Identifier: MIT */
/*
 * The phases that users see, by name.
 */
#ifndef DUMP_PHASE_H
#define DUMP_PHASE_H

#include <sfshm/inspect.h>

/* "idle", "busy", "done" or "failed"; NULL for slots that hold no key. */
const char *phase_name(enum sfshm_phase phase);

/* The other way round; -1 for other words. */
int phase_parse(const char *name);

#endif
