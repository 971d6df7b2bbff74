/* SPDX-License-Identifier: MIT */
#include "board.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "os/atomics.h"

/* Lines about violations; the rest is only counted. */
#define MOST_LINES 25

struct board *board;

void count(enum tally what)
{
	fetch_add_relaxed(&board->tally[what], 1);
}

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void violation(const char *format, ...)
{
	char line[512];
	va_list args;
	int n;

	if (fetch_add_relaxed(&board->violations, 1) >= MOST_LINES)
		return;
	n = snprintf(line, sizeof(line), "soak: violation: ");
	va_start(args, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
