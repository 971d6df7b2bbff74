/* SPDX-License-Identifier: MIT */
/*
 * How processes get from a segment to the one that replaces it.
 *
 * The successor takes the name by rename(2), and its header names the inode of
 * its predecessor. The predecessor stays in reach under an alias ("NAME~")
 * until nothing is left in it. Invariants:
 *
 *  SUCCESSION-1. Nobody leads in a successor before having set its
 *      predecessor's `moved`: a process that maps the successor maps the
 *      predecessor too, and sets that word.
 *  SUCCESSION-2. Once `moved` is set, no flight begins in the predecessor: a
 *      caller that claims one looks at `moved` afterwards and gives the claim
 *      back. A follower that waits there may still take over a flight that is
 *      under way there.
 *  SUCCESSION-3. Before a caller leads a key in the successor, it looks for the
 *      key in the predecessor; it takes a value there, or waits for a flight
 *      there.
 *  SUCCESSION-4. A leader in the successor removes its key from the
 *      predecessor, so that an older value never comes back.
 *
 * So a key has one leader throughout, whichever process dies at whatever time:
 * before the rename there is no successor; after it, each process that opens
 * the name does the rest.
 */
#ifndef TOP_SUCCESSION_H
#define TOP_SUCCESSION_H

#include <sys/stat.h>

#include <sfshm/segment.h>

#include "peer/removal.h"
#include "top/handle.h"

/* Path of the predecessor of the segment at `path`, while it is needed. */
int handle_old_path(const char *path, char *buf, size_t size);

/* Path of a successor just before it takes the name. */
int handle_passing_path(const char *path, char *buf, size_t size);

/*
 * If the segment just mapped replaces another one in which something is left,
 * maps that one too and marks it as replaced. Called with handle_lock held.
 */
int handle_adopt_predecessor(struct mapping *map, const char *path,
			     const struct sfshm_options *o);

/* Counts the flights that are under way in a segment, and the permits held. */
uint64_t succession_under_way(struct mapping *map);

/*
 * Whether any flight or permit is left in a removed segment, or in those before
 * it. Finds deaths that the kernel did not mark.
 */
bool succession_left(struct mapping *map);

/*
 * Whether `other`, a resize's name beside `path`, is what it seems: a segment
 * of this user's that comes before or after the one at `path`, or is the same.
 * Returns 1; 0: there is no such file; -EEXIST: it is something else.
 */
int succession_owns(const char *path, const char *other);

/* Closes a descriptor of a file that this process may have mapped. */
void handle_close_beside(int fd, const struct stat *st);

/* Guards all opening: by name, of predecessors, of successors. */
extern pthread_mutex_t handle_lock;

/*
 * Checks whether the segment's file is removed (REMOVAL-1), and whether
 * anything is left in a removed predecessor.
 */
void handle_look(struct mapping *map);

static inline void handle_look_if_due(struct mapping *map)
{
	if (removal_is_due(map, sys.coarse()))
		handle_look(map);
}

/*
 * handle_enter() for a call that begins something or looks: in the segment that
 * has the handle's name now. Returns handle_enter()'s or handle_follow()'s
 * error.
 */
static force_inline int handle_enter_newest(struct sfshm *h, struct peer **out)
{
	int r = handle_enter(h, out);

	if (likely(!r))
		handle_look_if_due((*out)->map);
	if (!r && unlikely(handle_moved((*out)->map)))
		r = handle_follow(h, out);
	return r;
}

/*
 * Called as a flight, lock or save ends. If the segment is removed, warns the
 * leaders and holders in the new segment of that name, unless they have waited
 * for the removed one.
 */
void handle_warn_newcomers(struct mapping *removed);

/*
 * Maps the segment that stands under the name of `map` now, with a reference
 * for a handle. Returns 0, -ESHUTDOWN (there is no other, or it cannot be
 * reached), -ENOMEM or -EMFILE. Called with handle_lock held.
 */
int succession_next(struct mapping *map, struct mapping **next);

#endif
