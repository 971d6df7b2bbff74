/* SPDX-License-Identifier: MIT */
/* The history of a segment, as a part of an HTML page. */
#ifndef DUMP_HTML_TIMELINE_H
#define DUMP_HTML_TIMELINE_H

#include "look/events.h"

/*
 * Writes the last events: as a drawing with a row for each thread, and below it
 * as a list.
 */
void timeline_put(const struct events *events);

#endif
