/* SPDX-License-Identifier: MIT */
/* Polled waits for locks and permits. */
#ifndef QUEUE_HELD_H
#define QUEUE_HELD_H

#include <sfshm/cancel.h>

#include "queue.h"

#define LOCK(...)                      \
	(&(struct sfshm_lock_options){ \
		.size = sizeof(struct sfshm_lock_options), __VA_ARGS__ })
#define PERMIT(...)                         \
	(&(struct sfshm_semaphore_options){ \
		.size = sizeof(struct sfshm_semaphore_options), __VA_ARGS__ })

static struct sfshm_lock lock;
static struct sfshm_permit permit;

static inline int lock_begin(const char *key,
			     const struct sfshm_lock_options *options,
			     struct sfshm_wait *wait)
{
	return sfshm_lock_async(queue, h, key, strlen(key), options, &lock,
				wait);
}

static inline int lock_finish(const struct sfshm_wait *wait)
{
	return sfshm_wait_finish_lock(queue, wait, &lock);
}

static inline int permit_begin(const char *name,
			       const struct sfshm_semaphore_options *options,
			       struct sfshm_wait *wait)
{
	return sfshm_acquire_async(queue, h, name, strlen(name), options,
				   &permit, wait);
}

static inline int permit_finish(const struct sfshm_wait *wait)
{
	return sfshm_wait_finish_permit(queue, wait, &permit);
}

/* Finishes what is told until one is no -EINPROGRESS. */
static inline int finished_by(int (*finish_it)(const struct sfshm_wait *wait))
{
	int r;

	do {
		struct sfshm_wait wait = told();

		r = finish_it(&wait);
	} while (r == -EINPROGRESS);
	return r;
}

/* Finishes all that is told now; how many of these returned `wanted`. */
static inline int finish_all(int (*finish_it)(const struct sfshm_wait *wait),
			     int wanted)
{
	struct sfshm_wait wait;
	int n = 0;

	while (sfshm_queue_next(queue, &wait) == 1)
		n += finish_it(&wait) == wanted;
	return n;
}

#endif
