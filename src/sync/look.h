/* SPDX-License-Identifier: MIT */
/* Looking a key up: is there a result that serves this caller? */
#ifndef SYNC_LOOK_H
#define SYNC_LOOK_H

#include "sync/call.h"

/*
 * A reader looks again when another participant has changed what it was
 * reading. After so many tries it takes the segment for damaged.
 */
#define LOOK_MOST_TRIES 100000

enum look {
	LOOK_ABSENT,    /* no slot */
	LOOK_HIT,       /* a value for this caller; it is in the result */
	LOOK_FAILED,    /* a failure for this caller; it is in the result */
	LOOK_CLAIMABLE, /* no flight is under way */
	LOOK_BUSY,      /* a flight is under way */
	LOOK_OVERDUE,   /* a flight is under way, but its leader seems gone */
};

/*
 * Looks the key up, and copies or pins a result that serves. A result serves if
 * it is fresh, if it is of the flight that this call joined or a later one, or
 * if it is stale and the policy allows that. Returns an enum look, with the
 * slot as it was seen in *seen, or -EBADMSG, -ENOMEM, -EMFILE.
 */
int look(struct call *c, struct sighting *seen);

/*
 * Copies the last good value, fresh or not, of a slot that the calling thread
 * owns; `ctl` is the slot's word. Returns LOOK_HIT, LOOK_ABSENT, -EAGAIN (the
 * slot was taken from the caller), -EBADMSG or -ENOMEM.
 */
int look_at_last(struct call *c, uint32_t slot, uint64_t ctl);

/*
 * Returns the generation that wrote the field. The field has its low bits only;
 * the others come from the control word's generation, which is the same or
 * later.
 */
uint64_t look_generation(struct field f, uint64_t ctl);

/* Makes room for `len` bytes in the buffer; 0 or -ENOMEM. */
int buf_reserve(struct sfshm_buf *b, size_t len);

#endif
