/* SPDX-License-Identifier: MIT */
/* Text in an HTML page. */
#ifndef DUMP_HTML_TEXT_H
#define DUMP_HTML_TEXT_H

#include <stddef.h>

#include "look/column.h"

/* Writes text with the characters escaped that mean something in HTML. */
void html_text(const char *text);

/*
 * Writes bytes of any kind: first escaped as in the tables, so that unprintable
 * ones show, then as html_text(). Text wider than `columns` is cut; 0: is not.
 */
void html_bytes(const void *data, size_t len, size_t columns);

/* Writes a cell of the table of keys; a key is cut after some 100 columns. */
void html_cell(const struct column *column, struct sfshm_view *view,
	       const struct sfshm_slot_info *slot);

#endif
