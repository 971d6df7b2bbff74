/* SPDX-License-Identifier: MIT */
/* Asking the segment that this one replaces. */
#ifndef SYNC_CONSULT_H
#define SYNC_CONSULT_H

#include "sync/flight.h"

/*
 * Calls `how` for this call in the segment's predecessor, where the call never
 * leads. Returns what `how` returned, or -ENODATA if there is no predecessor.
 */
int flight_consult(struct call *c, int (*how)(struct call *c));

#endif
