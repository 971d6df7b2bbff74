/* SPDX-License-Identifier: MIT */
/* From a segment's name to its path. */
#ifndef SEGMENT_NAME_H
#define SEGMENT_NAME_H

#include <stddef.h>
#include <sys/types.h>

/* sfshm_path() for the user `uid`. */
int name_to_path(const char *name, uid_t uid, char *buf, size_t size);

#endif
