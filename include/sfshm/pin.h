/* SPDX-License-Identifier: MIT */
/*
 * Pins: read a value in place, without a copy, for writev(2) and the like.
 *
 * A pin keeps the bytes of one value where they are until the pin is released
 * or its thread ends. It does not hold the key: other callers may publish the
 * key anew, evict it or forget it meanwhile. The idea comes from hazard
 * pointers.
 */
#ifndef SFSHM_PIN_H
#define SFSHM_PIN_H

#include <sys/uio.h>
#include <sfshm/result.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* The most pins that one thread may hold at a time in one segment. */
#define SFSHM_PINS_MAX 16

/* A pin. Only the library uses the contents. */
struct sfshm_pin {
	uint64_t opaque[8];
};

/*
 * Pins the fresh value of `key` (1 to SFSHM_KEY_MAX bytes). Fills in *result as
 * sfshm_get() does but copies no bytes: result->value.len is the value's
 * length. Returns SFSHM_CACHED; -ENODATA, there is no fresh value, or only a
 * fresh failure, or a resize has not moved the value yet; -EMFILE, this thread
 * holds SFSHM_PINS_MAX pins: release one, or copy with sfshm_get(); or -EINVAL,
 * -ENAMETOOLONG, -EUSERS, -ENOSPC, -ESHUTDOWN, -EBADMSG, -EBADF, -ECHILD,
 * -ENOMEM.
 *
 * A pin belongs to its thread, which releases it with sfshm_unpin() before it
 * closes the handle. While the thread holds a pin, the segment cannot reuse the
 * memory of that value. If the thread ends or dies, its pins are released. A
 * forked child has none of them. Never blocks. Thread-safe; not for signal
 * handlers.
 */
int sfshm_pin(struct sfshm *handle, const void *key, size_t key_len,
	      struct sfshm_pin *pin, struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Fills iov[] with the pieces of memory that hold the pinned bytes from byte
 * `offset` on: at most `max` pieces, in order. Returns the number of pieces (0:
 * the value ends at or before `offset`), -EINVAL or -EBADMSG. Each piece but
 * the first and the last has at least 64 bytes. To get the rest, add the
 * pieces' lengths to `offset` and call again. Other processes read the same
 * bytes: do not write to them. Never blocks.
 */
int sfshm_pin_iov(const struct sfshm_pin *pin, uint64_t offset,
		  struct iovec *iov, int max) SFSHM_CHECKED;

/*
 * Releases the pin; the caller must not use the pieces any more. Returns 0, or
 * -EINVAL: this thread holds no such pin (released already, another thread's,
 * or inherited over fork). Never blocks.
 */
int sfshm_unpin(struct sfshm_pin *pin);

SFSHM_END_DECLS

#endif
