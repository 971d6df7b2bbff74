/* SPDX-License-Identifier: MIT */
#include "look/line.h"

#include <string.h>

#define KEY_COLUMNS_MIN 12
#define KEY_COLUMNS_MAX 64

static void pad(struct cell *line, size_t width, size_t from)
{
	size_t used = line->width - from;

	if (used < width)
		cell_print(line, "%*s", (int)(width - used), "");
}

static int is_notes(const struct column *column)
{
	return strcmp(column->name, "NOTES") == 0;
}

void line_headings(struct cell *line, const struct column_list *list,
		   size_t key_columns)
{
	cell_clear(line);
	for (size_t i = 0; i < list->count; i++) {
		const struct column *column = list->column[i];
		size_t width = i ? column->width : key_columns;
		int last = i + 1 == list->count;

		if (i)
			cell_print(line, " ");
		if (column->right)
			cell_print(line, "%*s", (int)width, column->name);
		else
			cell_print(line, "%-*s", last ? 0 : (int)width,
				   column->name);
	}
}

void line_cells(struct cell *line, const struct column_list *list,
		size_t key_columns, int cut, struct sfshm_view *view,
		const struct sfshm_slot_info *slot)
{
	static struct cell cell;

	cell_clear(line);
	for (size_t i = 0; i < list->count; i++) {
		const struct column *column = list->column[i];
		size_t width = i ? column->width : key_columns;
		size_t from;
		int last = i + 1 == list->count;

		/* The caller puts the notes behind the line, or below it. */
		if (last && line_has_notes(list))
			return;
		if (i)
			cell_print(line, " ");
		from = line->width;
		cell_clear(&cell);
		column->cell(&cell, view, slot, i || !cut ? 0 : key_columns);
		if (column->right)
			pad(line, width > cell.width ? width - cell.width : 0,
			    from);
		if (sizeof(line->text) - line->len > cell.len) {
			memcpy(line->text + line->len, cell.text, cell.len + 1);
			line->len += cell.len;
			line->width += cell.width;
		}
		if (!last)
			pad(line, width, from);
	}
}

int line_has_notes(const struct column_list *list)
{
	return list->count > 1 && is_notes(list->column[list->count - 1]);
}

size_t line_key_columns(const struct column_list *list, size_t columns)
{
	size_t others = 0, left;

	if (!columns)
		return list->column[0]->width;
	for (size_t i = 1; i < list->count; i++)
		if (!is_notes(list->column[i]))
			others += list->column[i]->width + 1;
	left = columns > others ? columns - others : 0;
	if (left < KEY_COLUMNS_MIN)
		left = KEY_COLUMNS_MIN;
	return left > KEY_COLUMNS_MAX ? KEY_COLUMNS_MAX : left;
}
