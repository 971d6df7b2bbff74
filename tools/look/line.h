/* SPDX-License-Identifier: MIT */
/* Lines of the table of keys. */
#ifndef LOOK_LINE_H
#define LOOK_LINE_H

#include "look/column.h"

/*
 * The width of the first column if all columns but the notes share a screen of
 * `columns`. 0 columns: no limit.
 */
size_t line_key_columns(const struct column_list *list, size_t columns);

/* Writes the headings. */
void line_headings(struct cell *line, const struct column_list *list,
		   size_t key_columns);

/*
 * Writes the cells of a key, without notes in the last column. A key that is
 * wider than `key_columns` is cut if `cut` is set.
 */
void line_cells(struct cell *line, const struct column_list *list,
		size_t key_columns, int cut, struct sfshm_view *view,
		const struct sfshm_slot_info *slot);

/* Whether the last column of several has the notes. */
int line_has_notes(const struct column_list *list);

#endif
