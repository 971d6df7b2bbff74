/* SPDX-License-Identifier: MIT */
/*
 * Finding a segment whose file is removed, through the processes that still
 * have it open.
 *
 * Such a process holds byte locks on the file, which /proc/locks lists with the
 * process and the file's inode; its descriptor in /proc/PID/fd tells the name
 * that the file had, and opens the file. The search sees processes of the same
 * PID namespace that this process may inspect: those of the same user, or all
 * for root. It does not see a process that has closed the library's descriptor.
 */
#ifndef TOP_REMOVED_H
#define TOP_REMOVED_H

#include "segment/mapping.h"

struct sfshm_options;

/*
 * Maps the removed segment that had the name `path` and has the inode `ino`; 0:
 * the last one of that name. The mapping has a reference for a handle. The
 * segment passes the checks, by `o`, that a file under the name would. Returns
 * 0 or -ENOENT. Called with handle_lock held.
 */
int removed_map(struct mapping **map, const char *path, uint64_t ino,
		const struct sfshm_options *o);

/* Inode of the last removed segment of that name, or 0. */
uint64_t removed_inode(const char *path, const struct sfshm_options *o);

#endif
