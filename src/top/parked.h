/* SPDX-License-Identifier: MIT */
/*
 * Taking locks and permits for waits that are polled: what the calls of
 * sfshm/queue.h need of the calls of sfshm/lock.h and sfshm/semaphore.h.
 */
#ifndef TOP_PARKED_H
#define TOP_PARKED_H

#include <sfshm/lock.h>
#include <sfshm/semaphore.h>

#include "top/lot.h"

/*
 * Checks the arguments, and empties the lock or the permit. `own` is room for
 * options of another size (sized_adopt()). Returns 0 or the call's error;
 * lock_check() sets options that are NULL to those with all defaults.
 */
int lock_check(const void *key, size_t len, const struct sfshm_lock_options **o,
	       struct sfshm_lock_options *own, struct sfshm_lock *lock);
int permit_check(const void *name, size_t len,
		 const struct sfshm_semaphore_options **options,
		 struct sfshm_semaphore_options *own,
		 struct sfshm_permit *permit);

/*
 * Make the call, which goes on from where the wait was parked. Return as
 * sfshm_lock() and sfshm_acquire(), or -EINPROGRESS: the call would sleep, and
 * has noted in polled->park what it waits for. The options must have this
 * library's size, and no wait_timeout_ms.
 */
int lock_ask(struct sfshm *h, const void *key, size_t len,
	     const struct sfshm_lock_options *o, struct sfshm_lock *lock,
	     struct polled *polled);
int permit_ask(struct sfshm *handle, const void *name, size_t len,
	       const struct sfshm_semaphore_options *options,
	       struct sfshm_permit *permit, struct polled *polled);

#endif
