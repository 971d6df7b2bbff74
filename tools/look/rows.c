/* SPDX-License-Identifier: MIT */
#include "look/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "look/phase.h"

enum urgency urgency_of(const struct sfshm_slot_info *slot)
{
	int phase = phase_of_slot(slot);

	if (slot->waiters)
		return URGENT_AWAITED;
	if (phase == SFSHM_PHASE_BUSY || phase == PHASE_DEAD)
		return URGENT_BUSY;
	return phase == SFSHM_PHASE_FAILED ? URGENT_FAILED : URGENT_NOT;
}

static int grow(struct rows *rows)
{
	size_t room = rows->room ? 2 * rows->room : 64;
	struct row *row;

	if (rows->count < rows->room)
		return 0;
	row = reallocarray(rows->row, room, sizeof(*row));
	if (!row)
		return -ENOMEM;
	rows->row = row;
	rows->room = room;
	return 0;
}

/* Waiters first, then age: both in one number. */
static int64_t pressure(const struct sfshm_slot_info *slot)
{
	int64_t age = slot->age_ms < 0 ? 0 : slot->age_ms;

	if (age > INT64_C(0xffffffffff))
		age = INT64_C(0xffffffffff);
	return (int64_t)slot->waiters << 40 | age;
}

int rows_add(struct rows *rows, struct sfshm_view *view,
	     const struct sfshm_slot_info *slot, const struct column *by)
{
	struct row row = { .index = slot->index };

	if (grow(rows))
		return -ENOMEM;
	if (!by) {
		row.urgent = urgency_of(slot);
		row.number = row.urgent ? pressure(slot) : 0;
	} else if (by->number) {
		row.number = by->number(slot);
	} else {
		row.text = column_text(by, view, slot);
		if (!row.text)
			return -ENOMEM;
	}
	rows->row[rows->count++] = row;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int order = 0;

	if (left->urgent != right->urgent)
		return left->urgent < right->urgent ? -1 : 1;
	if (left->text && right->text)
		order = strcmp(left->text, right->text);
	else if (left->number != right->number)
		order = left->number < right->number ? -1 : 1;
	return order;
}

static int compare_up(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int order = compare(a, b);

	return order ? order : (left->index > right->index) * 2 - 1;
}

static int compare_down(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int order = compare(b, a);

	return order ? order : (left->index > right->index) * 2 - 1;
}

void rows_sort(struct rows *rows, int descending)
{
	if (rows->count)
		qsort(rows->row, rows->count, sizeof(*rows->row),
		      descending ? compare_down : compare_up);
}

int rows_sort_urgent(struct rows *rows)
{
	size_t urgent = 0, rest = 0;
	struct row *sorted = calloc(rows->count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < rows->count; i++)
		urgent += rows->row[i].urgent != URGENT_NOT;
	rest = urgent;
	urgent = 0;
	for (size_t i = 0; i < rows->count; i++)
		sorted[rows->row[i].urgent ? urgent++ : rest++] = rows->row[i];
	if (urgent)
		qsort(sorted, urgent, sizeof(*sorted), compare_down);
	free(rows->row);
	rows->row = sorted;
	rows->room = rows->count + 1;
	return 0;
}

void rows_clear(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->row[i].text);
	rows->count = 0;
}

void rows_free(struct rows *rows)
{
	rows_clear(rows);
	free(rows->row);
	memset(rows, 0, sizeof(*rows));
}
