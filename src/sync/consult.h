/* SPDX-License-Identifier: MIT */
/* Asking the segment that this one replaces. */
#ifndef SYNC_CONSULT_H
#define SYNC_CONSULT_H

#include "sync/flight.h"

/*
 * Calls `how` for this call in the segment's predecessor, where the call never
 * leads. Returns what `how` returned; -ENODATA: there is no predecessor; or an
 * error: the caller cannot attach there.
 */
int flight_consult(struct call *c, int (*how)(struct call *c));

#endif
