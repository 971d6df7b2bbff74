/* SPDX-License-Identifier: MIT */
/*
 * Pins: zero-copy views of a value, for writev(2) and the like.
 *
 * A pin holds the bytes of one value where they are, and nothing else: the
 * key may be published anew, evicted or forgotten meanwhile, the pinned bytes
 * stay as they were until the pin is given back or its thread is gone.
 */
#ifndef SFSHM_PIN_H
#define SFSHM_PIN_H

#include <sys/uio.h>
#include <sfshm/result.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* Pins that one thread may hold at a time in one segment. */
#define SFSHM_PINS_MAX 16

/* A grip on a value's bytes. Its contents are the library's. */
struct sfshm_pin {
	uint64_t opaque[6];
};

/*
 * Pins the fresh value of `key`. *result is filled in as by sfshm_get(), but
 * no bytes are copied: result->value.len says how many there are. Returns
 * SFSHM_CACHED; -ENODATA where there is no fresh value (a fresh failure
 * included); -EMFILE: this thread holds SFSHM_PINS_MAX pins, give one back;
 * or -EINVAL, -ENAMETOOLONG, -EUSERS, -EBADMSG, -EBADF, -ECHILD, -ENOSPC,
 * -ENOMEM as sfshm_get().
 *
 * Never blocks. A value that a resize has still to move is not found. The pin
 * is the thread's own: the same thread gives it back, before it closes the
 * handle. Not inherited over fork. A thread that ends or dies gives its pins
 * back by that. Not for signal handlers.
 */
int sfshm_pin(struct sfshm *handle, const void *key, size_t key_len,
	      struct sfshm_pin *pin, struct sfshm_result *result) SFSHM_CHECKED;

/*
 * The pinned bytes from `offset` on, as up to `max` pieces, in order. Returns
 * how many pieces there are (0: no bytes from there on), or -EINVAL, -EBADMSG.
 * A piece is at least 64 bytes long but for the first and the last. The bytes
 * are other processes' too: do not write to them. What the pieces hold is
 * offset + the sum of their lengths; call again with that for the rest.
 */
int sfshm_pin_iov(const struct sfshm_pin *pin, uint64_t offset,
		  struct iovec *iov, int max) SFSHM_CHECKED;

/*
 * Gives the pin back; the pieces must not be used any more. Returns 0, or
 * -EINVAL: not a pin of this thread (given back already, or inherited over
 * fork). Never blocks.
 */
int sfshm_unpin(struct sfshm_pin *pin);

SFSHM_END_DECLS

#endif
