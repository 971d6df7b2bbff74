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
 * Makes stdout write to the file, which only its owner may read if it is new;
 * "-": stays as it is. Returns 0, or -1 after a complaint.
 */
int html_open(const char *file);

#endif
