/* SPDX-License-Identifier: MIT */
/* Which file systems a segment may live on. */
#ifndef SEGMENT_FILESYSTEM_H
#define SEGMENT_FILESYSTEM_H

#include <sfshm/segment.h>

/*
 * Refuses a file system on which a page that has its memory may need new room
 * when it is written again. `path` names the file in options->why. Returns 0,
 * -EOPNOTSUPP, or the error of a system call.
 */
int filesystem_check(int fd, const char *path, const struct sfshm_options *o);

#endif
