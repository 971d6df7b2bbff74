/* SPDX-License-Identifier: MIT */
/* A view: a read-only mapping of a segment, for a process that only looks. */
#ifndef TOP_VIEW_H
#define TOP_VIEW_H

#include <stdint.h>
#include <sys/stat.h>

#include "segment/mapping.h"

struct sfshm_view {
	struct mapping map; /* mapped read-only */
	struct stat stat;
	uint64_t created;
	char path[256];
};

#endif
