/* SPDX-License-Identifier: MIT */
/* Looking a key up: what is there for this caller, and may it be used? */
#ifndef SYNC_LOOK_H
#define SYNC_LOOK_H

#include "sync/call.h"

/* Looking again is peers' work; this often, it is broken bytes'. */
#define LOOK_MOST_TRIES 100000

enum look {
	LOOK_ABSENT,    /* no slot */
	LOOK_HIT,       /* a value for this caller; it is in the result */
	LOOK_FAILED,    /* a failure for this caller; it is in the result */
	LOOK_CLAIMABLE, /* nobody is at it */
	LOOK_BUSY,      /* somebody is */
};

/*
 * Looks, and copies what there is. A result serves if it is fresh, if it is of
 * the flight that this call joined or a later one, or if it is stale and the
 * policy allows that. Returns an enum look with what was seen in *seen, or
 * -EBADMSG, -ENOMEM.
 */
int look(struct call *c, struct sighting *seen);

/* Makes room for `len` bytes in the buffer; 0 or -ENOMEM. */
int buf_reserve(struct sfshm_buf *b, size_t len);

#endif
