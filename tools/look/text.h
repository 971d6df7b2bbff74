/* SPDX-License-Identifier: MIT */
/*
 * The text of the tables' cells.
 */
#ifndef LOOK_TEXT_H
#define LOOK_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/save.h>

#include "common/escape.h"

#define TEXT_SIZE 32

/* Paths of saved files are the longest. */
#define TEXT_BYTES_MAX SFSHM_SAVE_PATH_MAX

/* "-" below 0, "250ms", "1.5s", "3m05s", "2h10m", "4d03h"; returns `out`. */
const char *text_span(char out[TEXT_SIZE], int64_t ms);

/* "950", "12.3K", "4.5M", ...: a count, in steps of 1000; returns `out`. */
const char *text_count(char out[TEXT_SIZE], uint64_t count);

/* How many hundredths `part` is of `whole`; 0 of 0. */
unsigned int text_percent(uint64_t part, uint64_t whole);

/* "1234", or "1234/1240" if the thread is not the process's first. */
const char *text_ids(char out[TEXT_SIZE], int pid, int tid);

/* A cell: its text, and its width in columns. */
#define CELL_SIZE 32768
struct cell {
	size_t len, width;
	char text[CELL_SIZE];
};

static inline void cell_clear(struct cell *cell)
{
	cell->len = cell->width = 0;
	cell->text[0] = '\0';
}

/* Appends ASCII text. */
void cell_print(struct cell *cell, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Appends `len` bytes, TEXT_BYTES_MAX at most, escaped. With `columns` more
 * than 0, wider text is cut: in the middle, so that keys that differ at their
 * ends look different.
 */
void cell_bytes(struct cell *cell, const void *data, size_t len,
		size_t columns);

#endif
