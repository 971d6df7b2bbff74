/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/escape.h"

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

const char *text_owner(char out[TEXT_SIZE], int pid, int tid, int alive)
{
	snprintf(out, TEXT_SIZE, "%d/%d %s", pid, tid,
		 alive ? "alive" : "dead");
	return out;
}

void text_print(const void *data, size_t len, size_t cut, size_t pad)
{
	char text[ESCAPE_SIZE(TEXT_BYTES_MAX)];
	size_t width = escape(text, data, len, ESCAPE_LOCALE, cut);

	fputs(text, stdout);
	if (width < pad)
		printf("%*s", (int)(pad - width), "");
}
