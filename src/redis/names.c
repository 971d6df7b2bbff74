/* SPDX-License-Identifier: MIT */
#include "redis/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "B:", the digits of a token, and the NUL. */
#define TAIL_MAX 24

static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '%' && c != '{' && c != '}';
}

static char *escape(char *to, const void *from, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *bytes = from;

	for (size_t i = 0; i < len; i++) {
		if (is_plain(bytes[i])) {
			*to++ = (char)bytes[i];
			continue;
		}
		*to++ = '%';
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	return to;
}

int names_make(struct names *n, const char *ns, const void *key, size_t len)
{
	static const char *const tails[NAMES] = { "L", "V", "S", "B:" };
	size_t most = 3 * (strlen(ns) + len) + sizeof(":{}") + TAIL_MAX;
	char *all = malloc(NAMES * most), *end;
	size_t head;

	if (!all)
		return -ENOMEM;
	end = escape(all, ns, strlen(ns));
	*end++ = ':';
	*end++ = '{';
	end = escape(end, key, len);
	*end++ = '}';
	head = (size_t)(end - all);
	for (int i = 0; i < NAMES; i++) {
		n->at[i] = all + (size_t)i * most;
		memmove(n->at[i], all, head);
		memcpy(n->at[i] + head, tails[i], strlen(tails[i]) + 1);
	}
	return 0;
}

void names_set_token(struct names *n, uint64_t token)
{
	char *colon = strrchr(n->at[NAME_BYTES], ':');

	snprintf(colon + 1, TAIL_MAX - 2, "%llu", (unsigned long long)token);
}

void names_free(struct names *n)
{
	free(n->at[0]);
}
