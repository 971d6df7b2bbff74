/* SPDX-License-Identifier: MIT */
/*
 * What a caller gets: the value, and where it came from.
 */
#ifndef SFSHM_RESULT_H
#define SFSHM_RESULT_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/version.h>

SFSHM_BEGIN_DECLS

/* The bound of an error's message, its NUL included. */
#define SFSHM_MESSAGE_MAX 256

/* Where a result came from; also what a successful call returns. */
enum sfshm_source {
	SFSHM_CACHED = 0,   /* it was there already */
	SFSHM_AWAITED = 1,  /* another caller made it while this one waited */
	SFSHM_COMPUTED = 2, /* this caller made it */
};

/* sfshm_begin()'s "you lead: end this flight" is the same number. */
#define SFSHM_LEADER SFSHM_COMPUTED

/*
 * A growing buffer that a result's bytes are copied into. Zero-initialised,
 * the library mallocs and grows it, and the same buffer serves any number of
 * calls; give it back with sfshm_result_clear().
 */
struct sfshm_buf {
	void *data;
	size_t len; /* bytes of the value */
	size_t cap; /* bytes at data */
};

/*
 * Zero-initialise once, set `size` to sizeof(struct sfshm_result), reuse for
 * any number of calls. Not to be shared between threads at the same time.
 */
struct sfshm_result {
	size_t size;
	int32_t source;     /* enum sfshm_source */
	int32_t code;       /* 0, or the failed work's code; with a stale value:
			       why there is no newer one, if it failed */
	uint8_t leader;     /* this caller led the flight */
	uint8_t shared;     /* more callers than one had this run's result */
	uint8_t owner_died; /* leader, and the last one died */
	uint8_t uncached;   /* it is not kept: who comes later starts anew */
	uint8_t stale;      /* past its lifetime: see struct sfshm_policy */
	uint8_t coordinated; /* nobody else ran the work meanwhile */
	uint8_t reserved[2];
	uint64_t generation; /* grows for a key: a fencing token */
	uint64_t age_ns;     /* since it was published */
	struct sfshm_buf value;
	char message[SFSHM_MESSAGE_MAX]; /* the failed work's words */
};

/* An initialiser for struct sfshm_result. */
#define SFSHM_RESULT_INIT                           \
	{                                           \
		.size = sizeof(struct sfshm_result) \
	}

/*
 * Frees the buffer and makes the result ready for use again. NULL is fine.
 * Not for signal handlers.
 */
void sfshm_result_clear(struct sfshm_result *result);

SFSHM_END_DECLS

#endif
