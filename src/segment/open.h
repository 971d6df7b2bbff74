/* SPDX-License-Identifier: MIT */
/* From a path to a mapping. */
#ifndef SEGMENT_OPEN_H
#define SEGMENT_OPEN_H

#include "segment/mapping.h"

/*
 * Opens or finds the segment at `path` and maps it, with a reference for a
 * handle. With SFSHM_CREATE, removes a segment left from before the last boot.
 * Returns 0, -EAGAIN if another file is just taking the name, or the error. The
 * caller keeps the process's other threads out of this function.
 */
int mapping_open_path(struct mapping **map, const char *path,
		      const struct sfshm_options *o);

#endif
