/* SPDX-License-Identifier: MIT */
/*
 * Spans of time on the command line: 500ms, 3s, 5m, 1h, 2d.
 */
#ifndef TOOLS_DURATION_H
#define TOOLS_DURATION_H

#include <stdint.h>

/*
 * Reads a number, with at most three digits behind a point, and its unit; only
 * 0 needs none. Returns 0 with whole milliseconds in *ms, -EINVAL for anything
 * else, or -ERANGE past `max` ms.
 */
int duration_parse(const char *text, uint64_t max, uint64_t *ms);

/* For messages about an argument that duration_parse() refused. */
#define DURATION_FORM "a number and ms, s, m, h or d, such as 0.5s or 5m"

#endif
