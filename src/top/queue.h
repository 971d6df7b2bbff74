/* SPDX-License-Identifier: MIT */
/*
 * Waits of a queue, whatever they are for. Each kind of wait has a file of its
 * own: top/async-flight.c, top/async-lock.c, top/async-permit.c.
 */
#ifndef TOP_QUEUE_H
#define TOP_QUEUE_H

#include <sfshm/queue.h>

#include "top/call.h"
#include "top/lot.h"

struct entry;

struct wait_kind {
	/* Makes the wait's call, unless polled_is_closed(), and fills in what
	   the public call has passed. Returns -EINPROGRESS if the call has
	   parked. */
	int (*call)(struct entry *e, void *out);
	/* Whether the wait may be finished with this `out`. */
	bool (*suits)(const struct entry *e, const void *out);
};

/* A wait of a queue, and all that its call needs to be made again. */
struct entry {
	struct polled polled; /* the first member: see entry_of() */
	uint64_t number;
	void *data;
	struct sfshm *handle;
	const struct wait_kind *kind;
	union {
		struct sfshm_policy policy;
		/* These have a deadline in place of wait_timeout_ms. */
		struct sfshm_lock_options lock;
		struct sfshm_semaphore_options permit;
	} ask;
	size_t key_len;
	uint8_t key[];
};

/* Returns 0, -EINVAL, or -ECHILD. */
int queue_check(const struct sfshm_queue *q);

/*
 * Makes a wait for the key, with polled.cancel, polled.task and `ask` empty.
 * Returns 0, -EBADF or -ENOMEM.
 */
int entry_new(struct sfshm *h, const void *key, size_t len,
	      const struct wait_kind *kind, struct entry **out);

/*
 * Makes the call of a new wait. The wait belongs to the queue if the call
 * returns -EINPROGRESS, and is freed otherwise.
 */
int queue_begin(struct sfshm_queue *queue, struct entry *e, void *out,
		struct sfshm_wait *wait);

/*
 * Makes the call of a wait again. Returns -EINVAL, and changes nothing, if the
 * wait is of another kind.
 */
int queue_finish(struct sfshm_queue *queue, const struct sfshm_wait *wait,
		 const struct wait_kind *kind, void *out);

#endif
