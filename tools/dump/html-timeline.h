/* SPDX-License-Identifier: MIT */
/* The history of a segment, as a part of an HTML page. */
#ifndef DUMP_HTML_TIMELINE_H
#define DUMP_HTML_TIMELINE_H

#include "look/events.h"

/*
 * Writes the events of the last minutes as a drawing, a row for each thread, and
 * below it a list of the last events.
 */
void timeline_put(const struct events *events);

#endif
