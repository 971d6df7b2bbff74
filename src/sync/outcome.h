/* SPDX-License-Identifier: MIT */
/* Writing a flight's result into the slot's other field. */
#ifndef SYNC_OUTCOME_H
#define SYNC_OUTCOME_H

#include "sync/flight.h"

/* The outcome of a flight: a value, or a failure and its message. */
struct outcome {
	const struct iovec *iov;
	int count;
	uint32_t len; /* bytes, in all */
	int code;     /* 0: a value */
	uint32_t ttl_ms;
	uint32_t keep_ms; /* past ttl_ms */
	bool spare;       /* take the spare granules */
};

/*
 * Writes the other field. Readers may still be copying the result that was
 * there before this flight; the control word tells them that their copy is not
 * whole. Returns 0, -ENOSPC or -EBADMSG.
 *
 * ORDER-S2 pairs ORDER-S1
 * The claims of this flight and of each granule come before every byte of the
 * field.
 */
int outcome_write(struct flight *f, struct peer *p, const struct outcome *o);

#endif
