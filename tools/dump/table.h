/* SPDX-License-Identifier: MIT */
/*
 * The room for the tables. On a terminal they are cut to the screen's width;
 * and to its height with --watch, and also without it unless the user has set a
 * limit or has chosen columns.
 */
#ifndef DUMP_TABLE_H
#define DUMP_TABLE_H

#include <stdint.h>

#include "look/text.h"
#include "options.h"

struct table {
	size_t columns;  /* of the screen; 0: no limit */
	uint64_t lines;  /* of the screen that are left; UINT64_MAX: any */
	uint64_t budget; /* lines that the section may take */
	uint64_t rows;   /* rows that the section has asked for */
	uint64_t cut;    /* of these, the ones without room */
};

/* Measures the screen. */
void table_begin(struct table *table, const struct options *options);

/* Notes that a line was printed. */
void table_line(struct table *table);

/* Begins a section, which leaves at least `others` lines of the screen. */
void table_section(struct table *table, uint64_t others);

/*
 * Prints the row, and `notes` (or NULL) behind it or below it, if there is
 * room.
 */
void table_row(struct table *table, const struct cell *row,
	       const struct cell *notes);

/* Says how many rows had no room; prints `nothing` if there were no rows. */
void table_section_end(struct table *table, const char *nothing);

#endif
