/* SPDX-License-Identifier: MIT */
/* Looking a key up: what is there for this caller, and may it be used? */
#ifndef SYNC_LOOK_H
#define SYNC_LOOK_H

#include <sfshm/flight.h>

#include "store/slot.h"

/* Looking again is peers' work; this often, it is broken bytes'. */
#define LOOK_MOST_TRIES 100000

/* One call's question. What the fast path reads and writes comes first. */
struct call {
	struct peer *self;
	struct key key;
	struct sfshm_result *result;
	const struct sfshm_policy *policy;
	uint32_t *closing; /* moves when the handle is closed */
	uint32_t closing_seen;
	uint32_t flags;    /* the policy's, and what the call adds */
	uint32_t lease_ms; /* what a flight that it begins may take; a rank */
	bool stale;        /* what is taken is past its lifetime */
	bool any_age;      /* any value will do, however old */
	uint64_t joined;   /* generation of the flight it waits for, or 0 */
	uint64_t refused;  /* values up to this generation will not do */
	uint64_t deadline; /* of its wait, ns; 0: none */
	uint64_t slept;    /* times */
	bool waited;       /* was among those who wait for a flight */
	uint32_t *pin;     /* not NULL: pin the value instead of copying it */
	int32_t pin_place;
	bool consulted;         /* the predecessor has been asked */
	bool moving;            /* it is to be left alone: see resize.c */
	bool asked;             /* it is a consult: do not ask on */
	bool own_is_busy;       /* -EBUSY for what this thread leads */
	uint64_t unnoted_since; /* ns: since when the start was missing */
	uint64_t unnoted_gen;   /* ... of this generation */
	uint32_t reap;          /* participant + 1 that was taken over from */
	uint32_t *waited_at;    /* event word of the slot it last waited at */
};

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
