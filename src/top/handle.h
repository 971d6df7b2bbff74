/* SPDX-License-Identifier: MIT */
/*
 * Handles: what a caller holds, and the way from there to its peer.
 *
 * A handle's mapping pointer is read under liburcu's read lock and exchanged
 * by sfshm_close(), which waits for a grace period before it drops the
 * handle's reference. A thread that is attached holds a reference of its own,
 * so its fast path only compares pointers. Handles' own memory is never freed,
 * and is used again as late as can be: a stale pointer is told by its magic.
 */
#ifndef TOP_HANDLE_H
#define TOP_HANDLE_H

#include <sfshm/segment.h>

#include <pthread.h>

#include "peer/participant.h"

#define HANDLE_OPEN 0x73667368u
#define HANDLE_CLOSED 0x6465616du

/* A mapping that a handle followed away from, with the handle's reference. */
struct retired_mapping {
	struct mapping *map;
	struct retired_mapping *next;
};

struct sfshm {
	uint32_t magic;
	uint32_t closing; /* futex word: counts closes, wakes those inside */
	struct mapping *map;
	uint64_t cookie;
	struct retired_mapping *retired; /* by handle_lock */
	struct sfshm *next_closed;
};

/* Whether there is another segment to follow to, or none. */
static inline bool handle_moved(const struct mapping *map)
{
	return load_acquire(&map->header->moved);
}

/*
 * Moves the handle to the segment's successor; the peer there goes to *out.
 * -ESHUTDOWN: it cannot be reached from here.
 */
int handle_follow(struct sfshm *h, struct peer **out);

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

/*
 * Makes a handle of a mapping, and takes over its reference, also where it
 * fails: -ENOMEM. Called with handle_lock held.
 */
int handle_make(struct sfshm **out, struct mapping *map);

#endif
