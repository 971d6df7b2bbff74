/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "screen.h"

#define KEY_COLUMNS_MIN 12
#define KEY_COLUMNS_MAX 64

/* Notes that have no room in their row stand below it, so far to the right. */
#define INDENT 4

void table_begin(struct table *table, const struct options *options)
{
	unsigned int lines = screen_lines();

	memset(table, 0, sizeof(*table));
	table->columns = screen_columns();
	table->lines = UINT64_MAX;
	/* The cursor's line stays free. */
	if (lines && !options->limited && !options->table_only)
		table->lines = lines - 1;
	if (lines && options->watch_ns)
		table->lines = lines - 1;
}

void table_line(struct table *table)
{
	if (table->lines && table->lines != UINT64_MAX)
		table->lines--;
}

void table_section(struct table *table, uint64_t others)
{
	table->rows = table->cut = 0;
	table->budget = table->lines;
	if (table->lines == UINT64_MAX)
		return;
	/* One line says how many rows were cut. */
	others++;
	table->budget = table->lines > others ? table->lines - others : 1;
}

/* The lines that so many columns take. */
static uint64_t lines_of(const struct table *table, size_t width)
{
	if (!table->columns || width <= table->columns)
		return 1;
	return (width - 1) / table->columns + 1;
}

void table_row(struct table *table, const struct cell *row,
	       const struct cell *notes)
{
	size_t notes_len = notes ? notes->len : 0;
	size_t len, width = row->width;
	int below = 0;
	uint64_t lines;

	table->rows++;
	if (notes_len) {
		width += 1 + notes->width;
		below = table->columns && width > table->columns;
	}
	lines = below ? lines_of(table, row->width) +
				lines_of(table, notes->width + INDENT) :
			lines_of(table, width);
	if (table->cut || lines > table->budget) {
		table->cut++;
		return;
	}
	/* Without the blanks that a last, empty cell leaves. */
	len = row->len;
	while ((below || !notes_len) && len && row->text[len - 1] == ' ')
		len--;
	printf("%.*s", (int)len, row->text);
	if (below)
		printf("\n%*s%s", INDENT, "", notes->text);
	else if (notes_len)
		printf(" %s", notes->text);
	putchar('\n');
	if (table->budget == UINT64_MAX)
		return;
	table->budget -= lines;
	table->lines -= lines < table->lines ? lines : table->lines;
}

void table_section_end(struct table *table, const char *nothing)
{
	if (!table->rows)
		puts(nothing);
	else if (table->cut)
		printf("... and %" PRIu64 " more than the screen holds\n",
		       table->cut);
	else
		return;
	table_line(table);
}

static void pad(struct cell *row, size_t width, size_t from)
{
	size_t used = row->width - from;

	if (used < width)
		cell_print(row, "%*s", (int)(width - used), "");
}

static int is_notes(const struct column *column)
{
	return strcmp(column->name, "NOTES") == 0;
}

void table_headings(struct cell *row, const struct column_list *list,
		    size_t key_columns)
{
	cell_clear(row);
	for (size_t i = 0; i < list->count; i++) {
		const struct column *column = list->column[i];
		size_t width = i ? column->width : key_columns;
		int last = i + 1 == list->count;

		if (i)
			cell_print(row, " ");
		if (column->right)
			cell_print(row, "%*s", (int)width, column->name);
		else
			cell_print(row, "%-*s", last ? 0 : (int)width,
				   column->name);
	}
}

void table_cells(struct cell *row, const struct column_list *list,
		 size_t key_columns, int cut, struct sfshm_view *view,
		 const struct sfshm_slot_info *slot)
{
	static struct cell cell;

	cell_clear(row);
	for (size_t i = 0; i < list->count; i++) {
		const struct column *column = list->column[i];
		size_t width = i ? column->width : key_columns;
		size_t from;
		int last = i + 1 == list->count;

		/* The caller puts the notes behind the row, or below it. */
		if (last && is_notes(column) && i)
			return;
		if (i)
			cell_print(row, " ");
		from = row->width;
		cell_clear(&cell);
		column->cell(&cell, view, slot, i || !cut ? 0 : key_columns);
		if (column->right)
			pad(row, width > cell.width ? width - cell.width : 0,
			    from);
		if (sizeof(row->text) - row->len > cell.len) {
			memcpy(row->text + row->len, cell.text, cell.len + 1);
			row->len += cell.len;
			row->width += cell.width;
		}
		if (!last)
			pad(row, width, from);
	}
}

size_t table_key_columns(const struct table *table,
			 const struct column_list *list)
{
	size_t others = 0, left;

	if (!table->columns)
		return list->column[0]->width;
	for (size_t i = 1; i < list->count; i++)
		if (!is_notes(list->column[i]))
			others += list->column[i]->width + 1;
	left = table->columns > others ? table->columns - others : 0;
	if (left < KEY_COLUMNS_MIN)
		left = KEY_COLUMNS_MIN;
	return left > KEY_COLUMNS_MAX ? KEY_COLUMNS_MAX : left;
}
