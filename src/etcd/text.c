/* SPDX-License-Identifier: MIT */
#include "etcd/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Makes room for `len` more bytes and a byte 0. */
static bool reserve(struct text *t, size_t len)
{
	size_t size = t->size ? t->size : 256;
	char *at;

	if (t->failed || len > SIZE_MAX / 4 - t->len) {
		t->failed = true;
		return false;
	}
	while (size < t->len + len + 1)
		size *= 2;
	if (size == t->size)
		return true;
	at = realloc(t->at, size);
	if (!at) {
		t->failed = true;
		return false;
	}
	t->at = at;
	t->size = size;
	return true;
}

void etcd_text_add_bytes(struct text *t, const void *from, size_t len)
{
	if (!reserve(t, len))
		return;
	if (len)
		memcpy(t->at + t->len, from, len);
	t->len += len;
	t->at[t->len] = '\0';
}

void etcd_text_add(struct text *t, const char *format, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0 || n >= (int)sizeof(line))
		t->failed = true;
	else
		etcd_text_add_bytes(t, line, (size_t)n);
}

void etcd_text_add_base64(struct text *t, const void *from, size_t len)
{
	const unsigned char *in = from;
	char *out;

	if (!reserve(t, (len + 2) / 3 * 4))
		return;
	out = t->at + t->len;
	for (; len > 2; len -= 3, in += 3) {
		*out++ = alphabet[in[0] >> 2];
		*out++ = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
		*out++ = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
		*out++ = alphabet[in[2] & 63];
	}
	if (len) {
		unsigned int second = len == 2 ? in[1] : 0;

		*out++ = alphabet[in[0] >> 2];
		*out++ = alphabet[(in[0] & 3) << 4 | second >> 4];
		*out++ = '=';
		if (len == 2)
			out[-1] = alphabet[(second & 15) << 2];
		*out++ = '=';
	}
	t->len = (size_t)(out - t->at);
	*out = '\0';
}

/* The value of a digit of base64; 64: it is none. */
static unsigned int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned int)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned int)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

int etcd_text_decode(struct text *to, const char *from, size_t len)
{
	uint32_t bits = 0;
	unsigned int have = 0;

	if (!reserve(to, len / 4 * 3 + 3))
		return -ENOMEM;
	while (len && from[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		unsigned int value = digit(from[i]);

		if (value > 63)
			return -EPROTO;
		bits = bits << 6 | value;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		to->at[to->len++] = (char)(bits >> have & 255);
	}
	to->at[to->len] = '\0';
	return 0;
}

void etcd_text_drop(struct text *t, size_t len)
{
	t->len -= len;
	memmove(t->at, t->at + len, t->len + 1);
}

void etcd_text_free(struct text *t)
{
	free(t->at);
	*t = (struct text){ 0 };
}
