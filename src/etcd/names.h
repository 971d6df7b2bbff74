/* SPDX-License-Identifier: MIT */
/*
 * The names of a key's records in etcd: NS:{KEY}, with all but plain characters
 * as %XX, and a letter.
 */
#ifndef ETCD_NAMES_H
#define ETCD_NAMES_H

#include <stddef.h>

enum name {
	NAME_FENCE, /* F */
	NAME_LEASE, /* L */
	NAME_VALUE, /* V */
	NAME_END,   /* W: follows all of them in etcd's order */
	NAME_BASE,  /* NS:base, which all keys share */
	NAMES,
};

struct names {
	char *at[NAMES];
};

/* Returns 0 or -ENOMEM. */
int etcd_names_make(struct names *n, const char *ns, const void *key,
		    size_t len);

void etcd_names_free(struct names *n);

#endif
