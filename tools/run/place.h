/* SPDX-License-Identifier: MIT */
/*
 * The place of a result's file, for callers that share a segment but not a
 * file system: a service with a /var/tmp of its own finds no file where another
 * caller has put one, and runs the command each time.
 */
#ifndef RUN_PLACE_H
#define RUN_PLACE_H

#include "invocation.h"

/*
 * Notes in the segment which directory the leader puts its file `path` into.
 * Says so if the last leader's directory has the same name, but is another one.
 */
void place_note(const struct invocation *inv, const char *path);

#endif
