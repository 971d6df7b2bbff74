/* SPDX-License-Identifier: MIT */
/*
 * Finding a segment whose file is removed, through the processes that still
 * have it open.
 *
 * They hold byte locks on it, which /proc/locks lists with their process and
 * the file's inode; their descriptor in /proc/PID/fd says what it was called,
 * and opens it. Seen are those of the same PID namespace that this process may
 * inspect: of the same user, or all for root. One that has closed the library's
 * descriptor is not seen.
 */
#ifndef TOP_REMOVED_H
#define TOP_REMOVED_H

#include "segment/mapping.h"

struct sfshm_options;

/*
 * Maps the removed segment that had the name `path` and has the inode `ino`; 0:
 * the last one that there was. With a reference for a handle. It passes the
 * checks that a file there would, by `o`. 0 or -ENOENT. Called with handle_lock
 * held.
 */
int removed_map(struct mapping **map, const char *path, uint64_t ino,
		const struct sfshm_options *o);

/* Its inode, or 0. */
uint64_t removed_inode(const char *path, const struct sfshm_options *o);

#endif
