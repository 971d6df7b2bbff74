/* SPDX-License-Identifier: MIT */
/*
 * The columns of the table of keys.
 */
#ifndef LOOK_COLUMN_H
#define LOOK_COLUMN_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/inspect.h>

#include "look/text.h"

struct column {
	const char *name; /* also its heading */
	const char *help;
	size_t width; /* columns, as a rule; a wider cell moves the others */
	int right;    /* aligned to the right */

	/* Writes the cell. `columns`: the room for it; 0: any. */
	void (*cell)(struct cell *cell, struct sfshm_view *view,
		     const struct sfshm_slot_info *slot, size_t columns);
	/* The number to sort by; NULL: the cell's text is. */
	int64_t (*number)(const struct sfshm_slot_info *slot);
};

#define COLUMNS_MAX 32

struct column_list {
	size_t count;
	const struct column *column[COLUMNS_MAX];
};

/* The columns of the table if the user does not choose. */
extern const char columns_default[];

/* The column of that name, in upper or lower case; NULL for other words. */
const struct column *column_find(const char *name);

/*
 * Reads a list "KEY,WAIT,AGE". Returns 0; or -EINVAL: the `bad_len` bytes at
 * *bad name no column, or one column too many.
 */
int column_list_parse(struct column_list *list, const char *text,
		      const char **bad, size_t *bad_len);

/* The cell's text, to be freed; NULL: no memory. */
char *column_text(const struct column *column, struct sfshm_view *view,
		  const struct sfshm_slot_info *slot);

#endif
