/* SPDX-License-Identifier: MIT */
/*
 * The server's names for a key K of a fleet:
 *
 *	NS:{K}L          the lease, a hash
 *	NS:{K}V          the result, a hash
 *	NS:{K}S          the stream of announcements
 *	NS:{K}B:TOKEN    the bytes of a large result
 *
 * The braces put the four into one slot of a cluster. In K and in NS, %XX
 * stands for a byte that is a space, is not printable ASCII, or is one of
 * "%{}".
 */
#ifndef REDIS_NAMES_H
#define REDIS_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum name { NAME_LEASE, NAME_RESULT, NAME_STREAM, NAME_BYTES, NAMES };

struct names {
	char *at[NAMES];
};

/* Fills in the names, the last one without its token. 0 or -ENOMEM. */
int names_make(struct names *n, const char *ns, const void *key, size_t len);

/* Completes the name of the bytes. */
void names_set_token(struct names *n, uint64_t token);

void names_free(struct names *n);

#endif
