/* SPDX-License-Identifier: MIT */
/* The style sheet of an HTML page. */
#ifndef DUMP_HTML_STYLE_H
#define DUMP_HTML_STYLE_H

extern const char html_style[];

#endif
