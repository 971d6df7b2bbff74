/* SPDX-License-Identifier: MIT */
/* From a path to a mapping. */
#ifndef SEGMENT_OPEN_H
#define SEGMENT_OPEN_H

#include "segment/mapping.h"

/*
 * Finds the process's mapping of the segment at `path`, or opens and maps it;
 * *map then has a reference for a handle. With SFSHM_CREATE, removes a segment
 * from before the last boot. Returns 0; -EAGAIN if it has removed one, or if
 * another file is just taking the name; or the error. The caller keeps the
 * process's other threads out of this function.
 */
int mapping_open_path(struct mapping **map, const char *path,
		      const struct sfshm_options *o);

#endif
