/* SPDX-License-Identifier: MIT */
/* Looking up what a key has for this caller. */
#ifndef SYNC_LOOK_H
#define SYNC_LOOK_H

#include "sync/call.h"

/*
 * Other participants' changes make a reader look again; after so many tries,
 * the segment is damaged.
 */
#define LOOK_MOST_TRIES 100000

enum look {
	LOOK_ABSENT,    /* no slot */
	LOOK_HIT,       /* a value for this caller; it is in the result */
	LOOK_FAILED,    /* a failure for this caller; it is in the result */
	LOOK_CLAIMABLE, /* no flight is under way */
	LOOK_BUSY,      /* a flight is under way */
	LOOK_OVERDUE,   /* so it is, but its leader seems to be gone */
};

/*
 * Looks, and copies or pins a result that serves. A result serves if it is
 * fresh, if it is of the flight that this call joined or a later one, or if it
 * is stale and the policy allows that. Returns an enum look with the slot as
 * seen in *seen, or -EBADMSG, -ENOMEM, -EMFILE.
 */
int look(struct call *c, struct sighting *seen);

/*
 * Copies the last good value, in whatever state, of a slot that the calling
 * thread owns as `ctl` says. Returns LOOK_HIT, LOOK_ABSENT, -EAGAIN (the slot
 * was taken from the caller), -EBADMSG or -ENOMEM.
 */
int look_at_last(struct call *c, uint32_t slot, uint64_t ctl);

/* The generation that wrote the field: not above the control word's. */
uint64_t look_generation(struct field f, uint64_t ctl);

/* Makes room for `len` bytes in the buffer; 0 or -ENOMEM. */
int buf_reserve(struct sfshm_buf *b, size_t len);

#endif
