/* SPDX-License-Identifier: MIT */
#include "look/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ELLIPSIS "..."
#define ELLIPSIS_LEN 3

const char *text_span(char out[TEXT_SIZE], int64_t ms)
{
	int64_t s = ms / 1000, m = s / 60, h = m / 60;

	if (ms < 0)
		snprintf(out, TEXT_SIZE, "-");
	else if (s < 1)
		snprintf(out, TEXT_SIZE, "%" PRId64 "ms", ms);
	else if (m < 1)
		snprintf(out, TEXT_SIZE, "%" PRId64 ".%" PRId64 "s", s,
			 ms % 1000 / 100);
	else if (h < 1)
		snprintf(out, TEXT_SIZE, "%" PRId64 "m%02" PRId64 "s", m,
			 s % 60);
	else if (h < 24)
		snprintf(out, TEXT_SIZE, "%" PRId64 "h%02" PRId64 "m", h,
			 m % 60);
	else
		snprintf(out, TEXT_SIZE, "%" PRId64 "d%02" PRId64 "h", h / 24,
			 h % 24);
	return out;
}

const char *text_count(char out[TEXT_SIZE], uint64_t count)
{
	static const char suffixes[] = "KMGTPE";
	double value = (double)count;
	int step = -1;

	/* 999.95 would be shown as 1000.0. */
	while (value >= 999.95 && step < 5) {
		value /= 1000;
		step++;
	}
	if (step < 0)
		snprintf(out, TEXT_SIZE, "%" PRIu64, count);
	else
		snprintf(out, TEXT_SIZE, "%.1f%c", value, suffixes[step]);
	return out;
}

unsigned int text_percent(uint64_t part, uint64_t whole)
{
	double share = whole ? (double)part * 100 / (double)whole : 0;

	/* A damaged segment may have more than all. */
	return share > 999 ? 999 : (unsigned int)share;
}

const char *text_ids(char out[TEXT_SIZE], int pid, int tid)
{
	if (pid == tid)
		snprintf(out, TEXT_SIZE, "%d", pid);
	else
		snprintf(out, TEXT_SIZE, "%d/%d", pid, tid);
	return out;
}

void cell_print(struct cell *cell, const char *format, ...)
{
	size_t room = sizeof(cell->text) - cell->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(cell->text + cell->len, room, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= room)
		n = (int)room - 1;
	cell->len += (size_t)n;
	cell->width += (size_t)n;
}

/* Appends the bytes, escaped, if there is room. */
static void append(struct cell *cell, const void *data, size_t len)
{
	if (sizeof(cell->text) - cell->len < ESCAPE_SIZE(len))
		return;
	cell->width +=
		escape(cell->text + cell->len, data, len, ESCAPE_LOCALE, 0);
	cell->len += strlen(cell->text + cell->len);
}

static size_t width_of(const unsigned char *data, size_t len)
{
	char text[ESCAPE_SIZE(TEXT_BYTES_MAX)];

	return escape(text, data, len, ESCAPE_LOCALE, 0);
}

/* Whether the byte continues a character of UTF-8. */
static int is_inner(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * How many bytes from the start (step 1) or the end (-1) fit into the columns.
 * Cuts between two characters of UTF-8.
 */
static size_t fitting(const unsigned char *data, size_t len, size_t columns,
		      int step)
{
	size_t fits = 0;

	for (size_t n = 1; n <= len; n++) {
		const unsigned char *from = step > 0 ? data : data + len - n;

		if (step > 0 ? n < len && is_inner(data[n]) : is_inner(*from))
			continue;
		if (width_of(from, n) > columns)
			break;
		fits = n;
	}
	return fits;
}

void cell_bytes(struct cell *cell, const void *data, size_t len, size_t columns)
{
	const unsigned char *bytes = data;
	size_t head, tail;

	if (len > TEXT_BYTES_MAX)
		len = TEXT_BYTES_MAX;
	if (!columns || width_of(bytes, len) <= columns) {
		append(cell, bytes, len);
		return;
	}
	if (columns <= ELLIPSIS_LEN) {
		cell_print(cell, "%.*s", (int)columns, ELLIPSIS);
		return;
	}
	columns -= ELLIPSIS_LEN;
	tail = fitting(bytes, len, columns / 2, -1);
	head = fitting(bytes, len, columns - columns / 2, 1);
	append(cell, bytes, head);
	cell_print(cell, "%s", ELLIPSIS);
	append(cell, bytes + len - tail, tail);
}
