/* SPDX-License-Identifier: MIT */
/* The file systems that may hold a segment. */
#ifndef SEGMENT_FILESYSTEM_H
#define SEGMENT_FILESYSTEM_H

#include <sfshm/segment.h>

/*
 * Refuses a file system that may need new room when a process writes again to a
 * page that already has its room. `path` names the file in options->why.
 * Returns 0, -EOPNOTSUPP, or the error of a system call.
 */
int filesystem_check(int fd, const char *path, const struct sfshm_options *o);

#endif
