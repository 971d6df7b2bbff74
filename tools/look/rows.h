/* SPDX-License-Identifier: MIT */
/*
 * References to slots, in the order in which they are shown. A reference has
 * what the order needs, not the slot: to show the slot, the program reads it
 * again, so a million slots take little memory.
 */
#ifndef LOOK_ROWS_H
#define LOOK_ROWS_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/inspect.h>

#include "look/column.h"

struct row {
	uint32_t index;  /* of the slot */
	uint32_t urgent; /* enum urgency */
	int64_t number;  /* what the rows are sorted by: this, ... */
	char *text;      /* ... or this if it is not NULL */
};

/* The keys that an operator looks for come first. */
enum urgency { URGENT_NOT, URGENT_FAILED, URGENT_BUSY, URGENT_AWAITED };

struct rows {
	size_t count, room;
	struct row *row;
};

enum urgency urgency_of(const struct sfshm_slot_info *slot);

/*
 * Adds a reference. With a column, rows are sorted by it; with NULL, by urgency
 * and then by waiters and age. Returns 0 or -ENOMEM.
 */
int rows_add(struct rows *rows, struct sfshm_view *view,
	     const struct sfshm_slot_info *slot, const struct column *by);

/* Sorts the rows; equal ones stay in the order of their slots. */
void rows_sort(struct rows *rows, int descending);

/*
 * Sorts rows that were added without a column: the most urgent first, then the
 * rest in the order of their slots. Returns 0 or -ENOMEM.
 */
int rows_sort_urgent(struct rows *rows);

/* Both forget the rows. rows_free() frees their memory as well. */
void rows_clear(struct rows *rows);
void rows_free(struct rows *rows);

#endif
