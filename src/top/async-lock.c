/* SPDX-License-Identifier: MIT */
/* The public calls for polled waits for locks. */
#include <errno.h>

#include "top/parked.h"
#include "top/queue.h"

static int make_call(struct entry *e, void *lock)
{
	return lock_ask(e->handle, e->key, e->key_len, &e->ask.lock, lock,
			&e->polled);
}

static bool suits(const struct entry *e, const void *lock)
{
	(void)e;
	return lock;
}

static const struct wait_kind lock_wait = {
	.call = make_call,
	.suits = suits,
};

int sfshm_lock_async(struct sfshm_queue *queue, struct sfshm *handle,
		     const void *key, size_t key_len,
		     const struct sfshm_lock_options *options,
		     struct sfshm_lock *lock, struct sfshm_wait *wait)
{
	struct sfshm_lock_options own;
	struct entry *e = NULL;
	int r;

	if (!wait)
		return -EINVAL;
	wait->number = 0;
	r = queue_check(queue);
	if (!r && !lock)
		r = -EINVAL;
	if (!r)
		r = lock_check(key, key_len, &options, &own, lock);
	if (!r)
		r = entry_new(handle, key, key_len, &lock_wait, &e);
	if (r)
		return r;
	e->ask.lock = *options;
	e->ask.lock.deadline_ns =
		call_deadline(options->wait_timeout_ms, options->deadline_ns);
	e->ask.lock.wait_timeout_ms = 0;
	e->polled.cancel = options->cancel;
	e->polled.task = options->task;
	return queue_begin(queue, e, lock, wait);
}

int sfshm_wait_finish_lock(struct sfshm_queue *queue,
			   const struct sfshm_wait *wait,
			   struct sfshm_lock *lock)
{
	return queue_finish(queue, wait, &lock_wait, lock);
}
