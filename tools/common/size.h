/* SPDX-License-Identifier: MIT */
/*
 * Numbers on the command line, and sizes for people.
 */
#ifndef TOOLS_SIZE_H
#define TOOLS_SIZE_H

#include <stdint.h>

/*
 * Reads a whole number with an optional K, M or G (1024, its square, its
 * cube; either case). Returns 0, -EINVAL for anything else, or -ERANGE past
 * UINT64_MAX.
 */
int size_parse(const char *text, uint64_t *bytes);

/* Reads a whole number without a suffix; returns as size_parse(). */
int number_parse(const char *text, uint64_t *number);

/* Reads octal permission bits, 0 to 0777. Returns 0 or -EINVAL. */
int mode_parse(const char *text, uint32_t *mode);

#define SIZE_TEXT 16

/* Writes "512", "1.5K", "16M", ...; returns `out`. */
const char *size_text(char out[SIZE_TEXT], uint64_t bytes);

#endif
