/* SPDX-License-Identifier: MIT */
/*
 * Filling in a result. Each answer sets every field, so that nothing of an
 * earlier call is left. The value's bytes or a message are filled in after
 * that.
 */
#ifndef SYNC_RESULT_H
#define SYNC_RESULT_H

#include <string.h>
#include <sys/uio.h>

#include <sfshm/result.h>

#include "os/atomics.h"

struct answer {
	enum sfshm_source source;
	int32_t code;
	bool leader;
	bool owner_died;
	bool uncached;
	bool stale;
	bool coordinated;
	uint64_t generation;
	uint64_t now, stored; /* ns; the value's age is the difference */
};

static force_inline void result_fill(struct sfshm_result *r,
				     const struct answer *a)
{
	r->source = a->source;
	r->code = a->code;
	r->leader = a->leader;
	r->shared = !a->leader;
	r->owner_died = a->owner_died;
	r->uncached = a->uncached;
	r->stale = a->stale;
	r->coordinated = a->coordinated;
	r->fleet = 0;
	r->reserved = 0;
	r->generation = a->generation;
	r->age_ns = a->now > a->stored ? a->now - a->stored : 0;
	r->message[0] = '\0';
}

/* Clears what is left of an earlier call, or of a rejected answer. */
static inline void result_empty(struct sfshm_result *r)
{
	r->code = 0;
	r->value.len = 0;
	r->message[0] = '\0';
}

/* Adds up the pieces of a value. Returns 0, -EINVAL or -EMSGSIZE. */
int result_total(const struct iovec *iov, int count, uint64_t *total);

/*
 * Copies the pieces of a value, `len` bytes in all, into the result. The pieces
 * may be in the result's own buffer. Returns 0 or -ENOMEM.
 */
int result_gather(struct sfshm_result *r, const struct iovec *iov, int count,
		  size_t len);

/*
 * Returns the message (or NULL) itself if it fits into SFSHM_MESSAGE_MAX bytes;
 * else `cut`, with a part of the message that ends with "...". Cuts no UTF-8
 * character in two.
 */
const char *result_fit_message(const char *message,
			       char cut[SFSHM_MESSAGE_MAX]);

/* Copies a message that fits. The message may be the result's own. */
void result_take_message(struct sfshm_result *r, const char *message);

#endif
