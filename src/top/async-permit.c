/* SPDX-License-Identifier: MIT */
/* The public calls for polled waits for permits. */
#include <errno.h>

#include "top/parked.h"
#include "top/queue.h"

static int make_call(struct entry *e, void *permit)
{
	return permit_ask(e->handle, e->key, e->key_len, &e->ask.permit, permit,
			  &e->polled);
}

static bool suits(const struct entry *e, const void *permit)
{
	(void)e;
	return permit;
}

static const struct wait_kind permit_wait = {
	.call = make_call,
	.suits = suits,
};

int sfshm_acquire_async(struct sfshm_queue *queue, struct sfshm *handle,
			const void *name, size_t name_len,
			const struct sfshm_semaphore_options *options,
			struct sfshm_permit *permit, struct sfshm_wait *wait)
{
	struct sfshm_semaphore_options own = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct entry *e = NULL;
	int r;

	if (!wait)
		return -EINVAL;
	wait->number = 0;
	r = queue_check(queue);
	if (!r && !permit)
		r = -EINVAL;
	if (!r)
		r = permit_check(name, name_len, &options, &own, permit);
	if (!r)
		r = entry_new(handle, name, name_len, &permit_wait, &e);
	if (r)
		return r;
	e->ask.permit = options ? *options : own;
	e->ask.permit.deadline_ns = call_deadline(e->ask.permit.wait_timeout_ms,
						  e->ask.permit.deadline_ns);
	e->ask.permit.wait_timeout_ms = 0;
	e->polled.cancel = e->ask.permit.cancel;
	e->polled.task = e->ask.permit.task;
	return queue_begin(queue, e, permit, wait);
}

int sfshm_wait_finish_permit(struct sfshm_queue *queue,
			     const struct sfshm_wait *wait,
			     struct sfshm_permit *permit)
{
	return queue_finish(queue, wait, &permit_wait, permit);
}
