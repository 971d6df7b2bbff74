/* SPDX-License-Identifier: MIT */
/*
 * Handles, and the way from a handle to the calling thread's peer.
 *
 * A caller reads a handle's mapping pointer under liburcu's read lock.
 * sfshm_close() sets that pointer to NULL, waits for a grace period, and then
 * drops the handle's reference to the mapping. An attached thread holds a
 * reference of its own, so its fast path only compares pointers. The library
 * never frees the memory of a handle, and reuses it as late as it can, so a
 * call with a closed handle learns that from `magic`.
 */
#ifndef TOP_HANDLE_H
#define TOP_HANDLE_H

#include <sfshm/segment.h>

#include <pthread.h>

#include "peer/participant.h"

#define HANDLE_OPEN 0x73667368u
#define HANDLE_CLOSED 0x6465616du

/* A mapping that a handle has left for its successor, but still references. */
struct retired_mapping {
	struct mapping *map;
	struct retired_mapping *next;
};

struct sfshm {
	uint32_t magic;
	uint32_t closing; /* futex word: counts closes, wakes waiting calls */
	struct mapping *map;
	uint64_t cookie;
	struct retired_mapping *retired; /* guarded by handle_lock */
	struct sfshm *next_closed;
};

/* Whether the segment has a successor, or its file is removed. */
static inline bool handle_moved(const struct mapping *map)
{
	return load_acquire(&map->header->moved);
}

/*
 * Switches the handle to the segment's successor, and stores the calling
 * thread's peer there in *out. -ESHUTDOWN: this process cannot reach the
 * successor.
 */
int handle_follow(struct sfshm *h, struct peer **out);

int handle_enter_slow(struct sfshm *h, struct peer **out);

/*
 * Finds the calling thread's peer behind a handle, and attaches the thread if
 * need be. Returns 0, -EBADF, -ECHILD, -EUSERS, -ENOSPC, -ENOMEM.
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
 * Makes a handle of a mapping. Takes over the mapping's reference even if it
 * fails (-ENOMEM). Called with handle_lock held.
 */
int handle_make(struct sfshm **out, struct mapping *map);

#endif
