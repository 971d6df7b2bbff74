/* SPDX-License-Identifier: MIT */
/*
 * The user's segments, one line each.
 */
#ifndef DUMP_LIST_H
#define DUMP_LIST_H

#include "options.h"

/*
 * Writes the list to stdout. Returns the status to exit with: 1 if a segment in
 * the list cannot be used; the segment's line says why.
 */
int list_show(const struct options *options);

#endif
