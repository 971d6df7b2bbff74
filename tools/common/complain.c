/* SPDX-License-Identifier: MIT */
#include "complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 1024

/*
 * Writes `text` with control characters as \xNN, and a newline, to `line`,
 * which has 4 bytes for each byte of `text`. Returns the length.
 */
static size_t make_line(char *line, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	char *out = line;
	unsigned char c;

	for (; *text; text++) {
		c = (unsigned char)*text;
		if (c >= 0x20 && c != 0x7f) {
			*out++ = *text;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	*out++ = '\n';
	return (size_t)(out - line);
}

void complain(const char *format, ...)
{
	char text[TEXT_MAX], line[4 * TEXT_MAX + 1];
	int saved = errno;
	ssize_t written;
	size_t len;
	va_list args;
	int n;

	n = snprintf(text, sizeof(text),
		     "%.64s: ", program_invocation_short_name);
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	va_end(args);
	len = make_line(line, text);
	do
		written = write(STDERR_FILENO, line, len);
	while (written < 0 && errno == EINTR);
	errno = saved;
}
