/* SPDX-License-Identifier: MIT */
/* Asking the segment that this one replaces. */
#ifndef SYNC_CONSULT_H
#define SYNC_CONSULT_H

#include "sync/flight.h"

/*
 * Asks the segment's predecessor, where there is one, by `how` (which never
 * leads then). Its answer, or -ENODATA.
 */
int flight_consult(struct call *c, int (*how)(struct call *c));

#endif
