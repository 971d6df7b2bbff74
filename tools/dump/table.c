/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "screen.h"

/* Notes that have no room in their row stand below it, this far indented. */
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
	/* Leaves out the blanks of a last, empty cell. */
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
