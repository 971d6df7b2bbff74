/* SPDX-License-Identifier: MIT */
/*
 * Finding a segment whose file is removed, through the processes that still
 * have it open.
 *
 * Such a process holds byte locks on the file; /proc/locks lists the process
 * and the file's inode. The process's link to the file in /proc/PID/fd shows
 * the name that the file had, and an open of the link opens the file. The
 * search sees processes of the same PID namespace that this process may
 * inspect: those of the same user, or all for root. It does not see a process
 * that has closed the library's descriptor.
 */
#ifndef TOP_REMOVED_H
#define TOP_REMOVED_H

#include "segment/mapping.h"

struct sfshm_options;

/*
 * Maps the removed segment that had the name `path` and has the inode `ino`; if
 * `ino` is 0, the latest one of that name. The mapping has a reference for a
 * handle. Checks the segment against `o` as an open by name does. Returns 0 or
 * -ENOENT. Called with handle_lock held.
 */
int removed_map(struct mapping **map, const char *path, uint64_t ino,
		const struct sfshm_options *o);

/* Returns the inode of the latest removed segment of that name, or 0. */
uint64_t removed_inode(const char *path, const struct sfshm_options *o);

#endif
