/* SPDX-License-Identifier: MIT */
/*
 * How processes get from a segment to the one that replaces it.
 *
 * The successor takes the name by rename(2), and its header holds the inode
 * number of its predecessor. The predecessor keeps an alias ("NAME~") until
 * nothing is left in it. Invariants:
 *
 *  SUCCESSION-1. Nobody leads in a successor before its predecessor's `moved`
 *      is set: a process that has mapped the successor also maps the
 *      predecessor, and sets that word, before any of its threads uses the
 *      successor.
 *  SUCCESSION-2. Once `moved` is set, no flight begins in the predecessor: a
 *      caller that claims a slot there then looks at `moved`, and gives the
 *      slot back. A follower that waits there may still take over a flight that
 *      is under way there.
 *  SUCCESSION-3. Before a caller leads a key in the successor, it looks for the
 *      key in the predecessor; it takes a value there, or waits for a flight
 *      there.
 *  SUCCESSION-4. A leader in the successor removes its key from the
 *      predecessor, so that an older value never comes back.
 *
 * Therefore a key has at most one leader at any time, even if a process dies at
 * any step: before the rename there is no successor; after the rename, each
 * process that opens the name sets the predecessor's `moved`.
 */
#ifndef TOP_SUCCESSION_H
#define TOP_SUCCESSION_H

#include <sys/stat.h>

#include <sfshm/segment.h>

#include "peer/removal.h"
#include "top/handle.h"

/* Alias of the predecessor of the segment at `path` ("NAME~"). */
int handle_old_path(const char *path, char *buf, size_t size);

/* Path that a successor has just before it takes the name. */
int handle_passing_path(const char *path, char *buf, size_t size);

/*
 * If the segment just mapped replaces another one in which something is left,
 * also maps that predecessor and marks it as replaced. Called with handle_lock
 * held.
 */
int handle_adopt_predecessor(struct mapping *map, const char *path,
			     const struct sfshm_options *o);

/* Counts the flights and saves under way, and the permits and locks held. */
uint64_t succession_under_way(struct mapping *map);

/*
 * Whether any flight, save, permit or lock is left in a removed segment or its
 * predecessors. Also finds dead participants whose death the kernel did not
 * mark.
 */
bool succession_left(struct mapping *map);

/*
 * Whether the file `other` ("NAME~" or "NAME~new") is part of a resize: a
 * segment of this user that is the one at `path`, its predecessor or its
 * successor. Returns 1; 0: there is no such file; -EEXIST: the file is
 * something else.
 */
int succession_owns(const char *path, const char *other);

/*
 * Closes a descriptor of a file. If this process has the file mapped, takes its
 * byte locks again, which the close drops.
 */
void handle_close_beside(int fd, const struct stat *st);

/* Held while a segment is opened: by name, by descriptor, as predecessor, as
   successor. Also guards the list of closed handles, and the table of shared
   ones (SHARED-2). */
extern pthread_mutex_t handle_lock;

/*
 * Checks whether the segment's file is removed (REMOVAL-1), and whether a
 * removed predecessor still has a flight, save, permit or lock.
 */
void handle_look(struct mapping *map);

static inline void handle_look_if_due(struct mapping *map)
{
	if (removal_is_due(map, sys.coarse()))
		handle_look(map);
}

/*
 * handle_enter() for a call that begins a flight or looks up a key: if the
 * segment is replaced or removed, switches the handle to the segment that has
 * its name. Returns 0, or handle_enter()'s or handle_follow()'s error.
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
 * Called before a flight, lock or save ends. If its segment is removed, warns
 * the leaders and holders in the new segment of that name. If the new segment's
 * header names the removed one, no warning is needed: callers in the new
 * segment wait for the flights in the removed one.
 */
void handle_warn_newcomers(struct mapping *removed);

/*
 * Maps the segment that has the name of `map` now, with a reference for a
 * handle. If the file has been removed and no other one has the name, makes the
 * segment anew as `anew` says, unless that is NULL. Returns 0; -ESHUTDOWN, no
 * other segment has the name, or this process cannot open it; -ENOMEM; -EMFILE;
 * or handle_adopt_predecessor()'s error. Called with handle_lock held.
 */
int succession_next(struct mapping *map, const struct sfshm_options *anew,
		    struct mapping **next);

#endif
