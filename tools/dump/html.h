/* SPDX-License-Identifier: MIT */
/*
 * A picture of a segment as one HTML page, for a browser. The page has no
 * script and asks for nothing from anywhere, and a policy in its head forbids
 * both: so whatever bytes a key has, they stay text.
 */
#ifndef DUMP_HTML_H
#define DUMP_HTML_H

#include "picture.h"

extern const struct picture_format picture_html;

/*
 * Makes stdout keep the page in memory, so that a file of that name stays as it
 * is if the segment turns out to be unreadable, or the process dies. Returns 0,
 * or -1 after a complaint.
 */
int html_begin_file(void);

/*
 * Writes the page to the file, which only its owner may read if it is new.
 * Returns 0, or -1 after a complaint.
 */
int html_end_file(const char *file);

#endif
