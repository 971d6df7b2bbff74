/* SPDX-License-Identifier: MIT */
/* Other users' segments. */
#ifndef TOOLS_OWNER_H
#define TOOLS_OWNER_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a user's name or number. Returns 0, or -EINVAL after a complaint. */
int owner_read(const char *text, uint32_t *uid);

/* Reads a group's name or number. Returns as owner_read(). */
int owner_read_group(const char *text, uint32_t *gid);

/*
 * Writes the path of the segment `name` (NULL: the default one) of the user
 * `uid` to path[PATH_MAX], and returns that; or returns `name` if it is a path
 * already, or no valid name.
 */
const char *owner_path(const char *name, uint32_t uid, char *path);

/*
 * Sets *segment to what owner_path() returns for it. A privileged process also
 * becomes one of the user `uid` for good, so that it may do with that user's
 * segments what the user may, and no more: the user might have prepared the
 * segment to harm others. `gid`, unless UINT32_MAX, is added to its groups.
 * Returns -1 to go on, or the status to exit with after a complaint.
 */
int owner_heed(uint32_t uid, uint32_t gid, const char **segment, char *path);

/* The second part of that: becomes the user. Returns as owner_heed(). */
int owner_become(uint32_t uid, uint32_t gid);

/*
 * Appends to `why` the options that accept the segment `name`, which was
 * refused because of its owner or mode; nothing if there is none such.
 * `is_trusted`: --owner was given already.
 */
void owner_advise(const char *name, int is_trusted, char *why, size_t size);

#endif
