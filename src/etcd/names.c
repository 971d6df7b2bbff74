/* SPDX-License-Identifier: MIT */
#include "etcd/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

int etcd_names_make(struct names *n, const char *ns, const void *key,
		    size_t len)
{
	static const char tails[] = "FLVW";
	size_t most = 3 * (strlen(ns) + len) + sizeof(":{}F") + sizeof("base");
	char *all = malloc(NAMES * most), *end;
	size_t space, head;

	if (!all)
		return -ENOMEM;
	end = escape(all, ns, strlen(ns));
	*end++ = ':';
	space = (size_t)(end - all);
	*end++ = '{';
	end = escape(end, key, len);
	*end++ = '}';
	head = (size_t)(end - all);
	for (int i = 0; i < NAMES; i++) {
		n->at[i] = all + (size_t)i * most;
		memmove(n->at[i], all, head);
	}
	for (int i = 0; i < NAME_BASE; i++) {
		n->at[i][head] = tails[i];
		n->at[i][head + 1] = '\0';
	}
	memcpy(n->at[NAME_BASE] + space, "base", sizeof("base"));
	return 0;
}

void etcd_names_free(struct names *n)
{
	free(n->at[0]);
}
