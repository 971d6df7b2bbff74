/* SPDX-License-Identifier: MIT */
#include "common/escape.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define ELLIPSIS "..."
#define ELLIPSIS_LEN (sizeof(ELLIPSIS) - 1)

struct glyph {
	size_t taken; /* bytes of the input */
	size_t len;   /* bytes of text */
	size_t columns;
	char text[8];
};

static int glyph_wide(struct glyph *glyph, const unsigned char *in, size_t len)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t taken = mbrtowc(&c, (const char *)in, len, &state);
	int columns;

	if (taken == 0 || taken > sizeof(glyph->text))
		return 0;
	/* A character of no width may be invisible, or reverse the text. */
	columns = wcwidth(c);
	if (columns < 1)
		return 0;
	glyph->taken = taken;
	glyph->len = taken;
	glyph->columns = (size_t)columns;
	memcpy(glyph->text, in, taken);
	return 1;
}

static void glyph_byte(struct glyph *glyph, unsigned char byte)
{
	static const char plain[] = "\\\n\t\r";
	static const char letter[] = "\\ntr";
	const char *at = byte ? strchr(plain, byte) : NULL;

	glyph->taken = 1;
	if (at)
		sprintf(glyph->text, "\\%c", letter[at - plain]);
	else if (byte >= 0x20 && byte < 0x7f)
		sprintf(glyph->text, "%c", byte);
	else
		sprintf(glyph->text, "\\x%02x", byte);
	glyph->len = strlen(glyph->text);
	glyph->columns = glyph->len;
}

size_t escape(char *out, const void *data, size_t len,
	      enum escape_charset charset, size_t columns)
{
	const unsigned char *in = data;
	const unsigned char *end = in + len;
	size_t width = 0, used = 0;
	size_t cut_width = 0, cut_used = 0;
	struct glyph glyph;

	while (in < end) {
		if (*in < 0x80 || charset == ESCAPE_ASCII ||
		    !glyph_wide(&glyph, in, (size_t)(end - in)))
			glyph_byte(&glyph, *in);
		if (columns && width + glyph.columns > columns) {
			memcpy(out + cut_used, ELLIPSIS, ELLIPSIS_LEN + 1);
			return cut_width + ELLIPSIS_LEN;
		}
		memcpy(out + used, glyph.text, glyph.len);
		in += glyph.taken;
		used += glyph.len;
		width += glyph.columns;
		if (width + ELLIPSIS_LEN <= columns) {
			cut_width = width;
			cut_used = used;
		}
	}
	out[used] = '\0';
	return width;
}
