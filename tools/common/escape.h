/* SPDX-License-Identifier: MIT */
/*
 * Escaping bytes for people to read: unprintable bytes become \n, \t, \xHH and
 * the like, and a backslash becomes \\. So two different keys never look the
 * same, and no key can send commands to the terminal.
 */
#ifndef TOOLS_ESCAPE_H
#define TOOLS_ESCAPE_H

#include <stddef.h>

/* Room for `len` escaped bytes and a NUL; an ellipsis fits as well. */
#define ESCAPE_SIZE(len) (4 * (len) + 4)

enum escape_charset {
	ESCAPE_ASCII,  /* all but printable ASCII is escaped */
	ESCAPE_LOCALE, /* all that LC_CTYPE can print stays */
};

/*
 * Writes `len` bytes at `data`, escaped, and a NUL to `out`, which has
 * ESCAPE_SIZE(len) bytes. With `columns` more than 0, wider text is cut and
 * ends in "...". Returns the width in columns.
 */
size_t escape(char *out, const void *data, size_t len,
	      enum escape_charset charset, size_t columns);

#endif
