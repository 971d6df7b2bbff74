/* SPDX-License-Identifier: MIT */
/*
 * The text of the tables' cells.
 */
#ifndef DUMP_TEXT_H
#define DUMP_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/save.h>

#define TEXT_SIZE 32

/* Paths of saved files are the longest. */
#define TEXT_BYTES_MAX SFSHM_SAVE_PATH_MAX

/* "-" below 0, "250ms", "1.5s", "3m05s", "2h10m", "4d03h"; returns `out`. */
const char *text_span(char out[TEXT_SIZE], int64_t ms);

/* "1234/1240 alive", "1234/1240 dead". */
const char *text_owner(char out[TEXT_SIZE], int pid, int tid, int alive);

/*
 * Prints `len` bytes, TEXT_BYTES_MAX at most, escaped, cut at `cut` columns
 * (0: not) and filled up to `pad` columns with blanks.
 */
void text_print(const void *data, size_t len, size_t cut, size_t pad);

#endif
