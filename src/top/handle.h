/* SPDX-License-Identifier: MIT */
/*
 * Handles: what a caller holds, and the way from there to its peer.
 *
 * A handle's mapping pointer is read under liburcu's read lock and exchanged
 * by sfshm_close(), which waits for a grace period before it drops the
 * handle's reference. A thread that is attached holds a reference of its own,
 * so its fast path only compares pointers. Handles' own memory is kept for
 * reuse and never freed: a stale pointer is told by its magic.
 */
#ifndef TOP_HANDLE_H
#define TOP_HANDLE_H

#include <sfshm/segment.h>

#include "peer/participant.h"

#define HANDLE_OPEN 0x73667368u
#define HANDLE_CLOSED 0x6465616du

struct sfshm {
	uint32_t magic;
	uint32_t closing; /* futex word: counts closes, wakes those inside */
	struct mapping *map;
	uint64_t cookie;
	struct sfshm *next_free;
};

int handle_enter_slow(struct sfshm *h, struct peer **out);

/*
 * The calling thread's peer behind a handle, attached if need be. Returns 0,
 * -EBADF, -ECHILD, -EUSERS, -ENOSPC, -ENOMEM.
 */
static inline int handle_enter(struct sfshm *h, struct peer **out)
{
	if (likely(h)) {
		struct mapping *map = load_acquire(&h->map);

		*out = peer_if_current(map);
		if (likely(*out))
			return 0;
	}
	return handle_enter_slow(h, out);
}

#endif
