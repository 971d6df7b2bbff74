/* SPDX-License-Identifier: MIT */
/*
 * Opening the segment that a request names.
 */
#ifndef CTL_SEGMENT_H
#define CTL_SEGMENT_H

#include <sfshm/segment.h>

#include "request.h"

/*
 * Opens the segment with the request's shape and `flags`. Returns 0, or the
 * status to exit with after a complaint.
 */
int segment_open(const struct request *request, uint32_t flags,
		 struct sfshm **handle);

/*
 * The request's key for people: escaped, and cut at 64 columns. The string is
 * static.
 */
const char *segment_key(const struct request *request);

/* Complains about a call on the open segment. Returns the exit status. */
int segment_failed(const struct request *request, int error);

#endif
