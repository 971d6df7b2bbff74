/* SPDX-License-Identifier: MIT */
/*
 * Picture after picture, until interrupted.
 */
#ifndef DUMP_WATCH_H
#define DUMP_WATCH_H

#include "options.h"

typedef int (*watch_show_fn)(const struct options *options);

/*
 * Calls `show` each options->watch_ns until SIGINT or SIGTERM. Finishes a
 * picture that it has begun, unless a second signal comes. Returns the last
 * picture's status, or at once the first one's if it is of a segment and
 * failed: a list may have bad segments in it.
 */
int watch(const struct options *options, watch_show_fn show);

#endif
