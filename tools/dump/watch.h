/* SPDX-License-Identifier: MIT */
/*
 * Showing picture after picture until a signal comes.
 */
#ifndef DUMP_WATCH_H
#define DUMP_WATCH_H

#include "options.h"

typedef int (*watch_show_fn)(struct options *options);

/*
 * Calls `show` every options->watch_ns until SIGINT or SIGTERM. Finishes a
 * picture that it has begun, unless a second signal comes. Returns the last
 * picture's status. If the first picture of a segment fails, returns that
 * status at once; a list that fails is repeated, because it fails if one of its
 * segments is bad.
 */
int watch(struct options *options, watch_show_fn show);

#endif
