/* SPDX-License-Identifier: MIT */
/* From a path to a mapping. */
#ifndef SEGMENT_OPEN_H
#define SEGMENT_OPEN_H

#include "segment/mapping.h"

/*
 * Opens or finds the segment at `path` and maps it, with a reference for a
 * handle. With SFSHM_CREATE a segment that is left from before the last boot is
 * removed. Returns 0, -EAGAIN: the name changes hands just now, or what went
 * wrong. The caller sees to it that no two threads of the process are in here.
 */
int mapping_open_path(struct mapping **map, const char *path,
		      const struct sfshm_options *o);

#endif
