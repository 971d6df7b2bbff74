/* SPDX-License-Identifier: MIT */
/*
 * Counting semaphores: so many at a time, among the threads of all processes
 * that share a segment.
 *
 * A semaphore needs no set-up: it comes into being at its first use. What is
 * taken is a permit, which its thread owns by name, so the death of a holder,
 * by whatever cause, gives its permits back at once, and whoever sleeps for one
 * gets it. The idea of a semaphore that cannot leak is that of erllama's cache
 * writer, whose permits go with the processes that hold them.
 *
 * Names of semaphores are a name space of their own: the semaphore "a" and the
 * value "a" know nothing of each other. A semaphore takes 4 KiB of the
 * segment's value memory and one slot for as long as the segment is there; it
 * is never evicted.
 *
 * Common to all calls here: thread-safe; not for signal handlers; a thread
 * attaches by itself at its first call. A thread that ends, is cancelled or
 * dies, or closes its last handle of the segment, gives its permits back by
 * that. A permit is the thread's that took it: a child of fork() has none.
 */
#ifndef SFSHM_SEMAPHORE_H
#define SFSHM_SEMAPHORE_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/cancel.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* The largest maximum: no more permits than this can be held at a time. */
#define SFSHM_PERMITS_MAX 1000

enum sfshm_semaphore_flags {
	SFSHM_SEMAPHORE_TRY = 1 << 0, /* do not wait: -EBUSY if none is free */
};

/*
 * How to take a permit. Zero-initialise it and set `size`; zeroes mean: the
 * default maximum, and wait for as long as it takes.
 */
struct sfshm_semaphore_options {
	size_t size;
	uint32_t flags; /* enum sfshm_semaphore_flags */
	/* Permits, if the semaphore is made by this call: 1 to
	   SFSHM_PERMITS_MAX. 0: twice the processors that are online, and one
	   more. Of one that is there already the maximum stays what it is. */
	uint32_t max;
	uint32_t wait_timeout_ms; /* -ETIMEDOUT after that; 0: never */
	uint32_t reserved;
	uint64_t deadline_ns;        /* the same, CLOCK_MONOTONIC; 0: none */
	struct sfshm_cancel *cancel; /* ends the wait too; or NULL */
};

#define SFSHM_SEMAPHORE_OPTIONS_INIT                           \
	{                                                      \
		.size = sizeof(struct sfshm_semaphore_options) \
	}

/* A permit that is held. Its contents are the library's. */
struct sfshm_permit {
	uint64_t opaque[8];
};

#define SFSHM_PERMIT_INIT       \
	{                       \
		.opaque = { 0 } \
	}

/*
 * Takes a permit of the semaphore `name` (1 to SFSHM_KEY_MAX bytes), making it
 * if need be, and waits for one while all are taken. `options` may be NULL.
 * Returns 0: one is yours, give it back with sfshm_permit_release(permit); or
 * an error, and *permit holds nothing: -EBUSY (SFSHM_SEMAPHORE_TRY: none is
 * free, or the semaphore is just being made); -EDEADLK: this thread has all
 * the permits there are, so it would wait for itself; -ETIMEDOUT, -ECANCELED,
 * -ESHUTDOWN; -EMSGSIZE: the segment's largest value is less than the 4 KiB
 * that a semaphore takes; -ENOSPC (no room to make it), -EUSERS, -EINVAL,
 * -ENAMETOOLONG, -EBADMSG, -EBADF, -ECHILD, -ENOMEM.
 *
 * A thread may take any number of permits. Who waits gets one in no promised
 * order. A free permit is taken without a system call, whatever the time and
 * the cancel token say. A wait sleeps in the kernel and is a cancellation
 * point; signals do not end it. Killed in here, the thread has a permit or has
 * not: it is given back either way.
 */
int sfshm_acquire(struct sfshm *handle, const void *name, size_t name_len,
		  const struct sfshm_semaphore_options *options,
		  struct sfshm_permit *permit) SFSHM_CHECKED;

/*
 * Gives the permit back; one of those who wait gets it. Idempotent: for one
 * that was given back, or never taken (SFSHM_PERMIT_INIT), it does nothing and
 * returns 0. Else 0; -EPERM: it is another thread's, or went with its thread's
 * last handle; -ECHILD: it is your parent's; -EINVAL; -EBADMSG. Never blocks.
 */
int sfshm_permit_release(struct sfshm_permit *permit);

/*
 * For the clean-up attribute, so that a permit is given back on every way out
 * of its block but longjmp():
 *
 *	SFSHM_PERMITTED struct sfshm_permit permit = SFSHM_PERMIT_INIT;
 */
void sfshm_permit_cleanup(struct sfshm_permit *permit);
#define SFSHM_PERMITTED __attribute__((cleanup(sfshm_permit_cleanup)))

/* Set `size` to sizeof(struct sfshm_semaphore_info) before the call. */
struct sfshm_semaphore_info {
	size_t size;
	uint32_t max;     /* permits there are */
	uint32_t in_use;  /* ... that are held; more than max for as long as it
			     takes after max has been lowered */
	uint32_t waiters; /* threads that wait for one */
	uint32_t reserved;
};

#define SFSHM_SEMAPHORE_INFO_INIT                           \
	{                                                   \
		.size = sizeof(struct sfshm_semaphore_info) \
	}

/*
 * How things stand, read without a lock: true at some moment, no more. Permits
 * of the dead count until somebody gives them back, who sleeps for one or asks
 * here. Returns 0; -ENODATA: there is no such semaphore; -EINVAL,
 * -ENAMETOOLONG, -EUSERS, -ENOSPC, -ESHUTDOWN, -EBADMSG, -EBADF, -ECHILD,
 * -ENOMEM. Never blocks.
 */
int sfshm_semaphore_info(struct sfshm *handle, const void *name,
			 size_t name_len,
			 struct sfshm_semaphore_info *info) SFSHM_CHECKED;

/*
 * Changes the maximum while the semaphore is in use, making the semaphore if
 * need be. `max` is 1 to SFSHM_PERMITS_MAX. If more permits are held than
 * that, they stay with their holders, and none is given out until enough have
 * come back. Who waits is woken if there are more. Returns as sfshm_acquire().
 * Never blocks, but for a second at most if somebody who is making the
 * semaphore is stopped.
 */
int sfshm_semaphore_set_max(struct sfshm *handle, const void *name,
			    size_t name_len, uint32_t max) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
