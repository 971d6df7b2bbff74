/* SPDX-License-Identifier: MIT */
/*
 * How processes get from a segment to the one that replaces it.
 *
 * The successor takes the name by rename(2), and its header names the inode
 * of its predecessor, which stays in reach under an alias ("NAME~") until
 * nothing is left in it. Invariants:
 *
 *  SUCCESSION-1. Nobody leads in a successor before having set its
 *      predecessor's `moved`: whoever maps the one maps the other and sets it.
 *  SUCCESSION-2. Once `moved` is set, no flight begins in the predecessor: who
 *      claims one looks at `moved` afterwards and gives it back. A flight that
 *      is on may still be taken over there, by one who waits there.
 *  SUCCESSION-3. Before leading a key in the successor one looks for its value
 *      and its flight in the predecessor, takes the one, waits for the other.
 *  SUCCESSION-4. Who leads a key in the successor removes it from the
 *      predecessor, so what is older never comes back.
 *
 * So a key has one leader throughout, whatever dies when: before the rename
 * there is no successor, after it everybody who opens the name does the rest.
 */
#ifndef TOP_SUCCESSION_H
#define TOP_SUCCESSION_H

#include <sys/stat.h>

#include <sfshm/segment.h>

#include "peer/removal.h"

/* Where the predecessor of the segment at `path` stands while it is needed. */
int handle_old_path(const char *path, char *buf, size_t size);

/* Where a successor stands for a moment before it takes the name. */
int handle_passing_path(const char *path, char *buf, size_t size);

/*
 * If the segment just mapped replaces another one in which something is left,
 * maps that too and makes it know that it has been replaced. Called with
 * handle_lock held.
 */
int handle_adopt_predecessor(struct mapping *map, const char *path,
			     const struct sfshm_options *o);

/* Flights that are under way in a segment, and permits held. */
uint64_t succession_under_way(struct mapping *map);

/*
 * Whether there are any in a removed segment, or in those before it. Deaths
 * that the kernel did not mark are found.
 */
bool succession_left(struct mapping *map);

/*
 * Whether `other`, a resize's name beside `path`, is what it seems: a segment
 * of this user's that comes before or after the one at `path`, or is the same.
 * 1; 0: it is not there; -EEXIST: it is something else.
 */
int succession_owns(const char *path, const char *other);

/* Closes a descriptor of a file that this process may have mapped. */
void handle_close_beside(int fd, const struct stat *st);

/* Guards opening as a whole: of names, of predecessors and successors. */
extern pthread_mutex_t handle_lock;

/* Looks after the segment's file, and at what is left in a removed one. */
void handle_look(struct mapping *map);

static inline void handle_look_if_due(struct mapping *map)
{
	if (removal_is_due(map, sys.coarse()))
		handle_look(map);
}

/*
 * A thing ends in a removed segment: those who took things in the new one of
 * its name are told, unless they have waited for it.
 */
void handle_warn_newcomers(struct mapping *removed);

/*
 * The segment that stands under the name of `map` now, with a reference for a
 * handle. 0, or -ESHUTDOWN: there is no other, or it cannot be reached; -ENOMEM,
 * -EMFILE. Called with handle_lock held.
 */
int succession_next(struct mapping *map, struct mapping **next);

#endif
