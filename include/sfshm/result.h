/* SPDX-License-Identifier: MIT */
/*
 * Results: the value that a call returns, and its source.
 */
#ifndef SFSHM_RESULT_H
#define SFSHM_RESULT_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/version.h>

SFSHM_BEGIN_DECLS

/* Size in bytes of an error's message, its NUL included. */
#define SFSHM_MESSAGE_MAX 256

/* The source of a result. A successful call also returns it. */
enum sfshm_source {
	SFSHM_CACHED = 0,   /* the segment held it already */
	SFSHM_AWAITED = 1,  /* another caller made it while this one waited */
	SFSHM_COMPUTED = 2, /* this caller made it */
};

/* sfshm_begin() returns this to a leader, who must end the flight. */
#define SFSHM_LEADER SFSHM_COMPUTED

/*
 * A buffer for a copy of the value's bytes. The caller zero-initialises it; the
 * library allocates it with malloc(3), enlarges it as needed and reuses it in
 * later calls. sfshm_result_clear() frees it.
 */
struct sfshm_buf {
	void *data;
	size_t len; /* length of the value in bytes */
	size_t cap; /* size of the buffer in bytes */
};

/*
 * The result of a call. Zero-initialise it once, set `size` to its sizeof, and
 * reuse it for any number of calls, in one thread at a time. A library of
 * another version fills in the fields that it and the program both know.
 *
 * The fields are valid after an outcome >= 0; `code` and `message` also after
 * -EREMOTEIO and -ENOENT; owner_died, which is 1, after -EOWNERDEAD. After any
 * other outcome value.len is 0. The message is empty unless the work for this
 * call's key failed: no text stays from an earlier call, or from a value that
 * the policy's checks refused.
 */
struct sfshm_result {
	size_t size;
	int32_t source;      /* enum sfshm_source */
	int32_t code;        /* the failed work's code, else 0; with a stale
			       value: the code of the run that failed since */
	uint8_t leader;      /* 1: this caller led the flight */
	uint8_t shared;      /* 1: several callers got this run's result */
	uint8_t owner_died;  /* 1: this caller leads, and the leader before it
			       died */
	uint8_t uncached;    /* 1: the segment did not keep the value; later
				callers run the work anew */
	uint8_t stale;       /* 1: past its lifetime; see struct sfshm_policy */
	uint8_t coordinated; /* 1: no other caller ran the work meanwhile */
	uint8_t fleet;       /* 1: this caller leads for its fleet, or the
				engine has this caller's result, or the engine
				gave another host's; see <sfshm/fleet.h> */
	uint8_t reserved;
	uint64_t generation; /* of the flight; a fencing token that grows with
				each flight of the key */
	uint64_t age_ns;     /* ns since the leader published the value */
	struct sfshm_buf value;
	char message[SFSHM_MESSAGE_MAX]; /* of the failed work, or empty */
};

/* An initialiser for struct sfshm_result. */
#define SFSHM_RESULT_INIT                           \
	{                                           \
		.size = sizeof(struct sfshm_result) \
	}

/*
 * Frees the buffer and makes the result ready for use again, with the same
 * `size`; does nothing for NULL. Never blocks. Thread-safe for different
 * results; works in a forked child; not for signal handlers.
 */
void sfshm_result_clear(struct sfshm_result *result);

SFSHM_END_DECLS

#endif
