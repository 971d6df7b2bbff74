/* SPDX-License-Identifier: MIT */
/*
 * Handles, and the way from a handle to the calling thread's peer.
 *
 * A caller reads a handle's mapping pointer under liburcu's read lock.
 * sfshm_close() sets that pointer to NULL, waits for a grace period, and then
 * drops the handle's reference to the mapping. An attached thread holds a
 * reference of its own, so its fast path only compares pointers. The library
 * never frees the memory of a handle, and reuses it only after more than a
 * thousand other handles were closed, so `magic` tells a call that its handle
 * is closed.
 *
 * `cookie` names the process for which `map` is valid. In a forked child the
 * first call with a handle that follows forks sets both, under handle_lock:
 *
 *   cookie     map         follows  a call of this process
 *   own        own         any      uses `map`
 *   another's  inherited   no       -ECHILD, for ever
 *   another's  inherited   yes      takes handle_lock, sets `map` to this
 *                                   process's own mapping, then `cookie`
 *   any        NULL        any      -EBADF
 *
 * If the process dies between the two stores, no reader of them is left. If
 * only the thread ends there, it leaves handle_lock held, as in any other call.
 * A fork waits for handle_lock, so a grandchild finds one of these rows. The
 * fast path does not read `cookie`: it uses the thread's peer only if the peer
 * has this process's cookie and the mapping `map`.
 */
#ifndef TOP_HANDLE_H
#define TOP_HANDLE_H

#include <sfshm/segment.h>

#include <pthread.h>
#include <stdbool.h>

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
	bool follows; /* SFSHM_FOLLOW_FORK */
	bool shared;  /* sfshm_shared(): it cannot be closed */
	/* options to make the segment anew if it is removed, or NULL */
	const struct sfshm_options *anew;
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
 * need be. Returns 0, -EBADF, -ECHILD, -EPROTO, -EUSERS, -ENOSPC, -ENOMEM.
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
int handle_make(struct sfshm **out, struct mapping *map, bool follows);

/* Closes a handle that no caller has ever got. */
void handle_discard(struct sfshm *h);

/*
 * Called in the child, at each fork that libc knows of. In a child made by a
 * bare clone(2) no handle follows, because libc would store the id of a thread
 * of the parent in each mutex that the child locks.
 */
void handle_note_fork(void);

#endif
