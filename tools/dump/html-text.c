/* SPDX-License-Identifier: MIT */
#include "html-text.h"

#include <stdio.h>
#include <string.h>

#define KEY_COLUMNS 100

void html_text(const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': fputs("&amp;", stdout); break;
		case '<': fputs("&lt;", stdout); break;
		case '>': fputs("&gt;", stdout); break;
		case '"': fputs("&quot;", stdout); break;
		case '\'': fputs("&#39;", stdout); break;
		default: putchar(*text);
		}
	}
}

void html_bytes(const void *data, size_t len, size_t columns)
{
	static struct cell cell;

	cell_clear(&cell);
	cell_bytes(&cell, data, len, columns);
	html_text(cell.text);
}

void html_cell(const struct column *column, struct sfshm_view *view,
	       const struct sfshm_slot_info *slot)
{
	static struct cell cell;

	cell_clear(&cell);
	column->cell(&cell, view, slot, KEY_COLUMNS);
	html_text(cell.text);
}
