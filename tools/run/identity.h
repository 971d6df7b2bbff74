/* SPDX-License-Identifier: MIT */
/* What a key names: the segment's file, a name space in it, and the key. */
#ifndef RUN_IDENTITY_H
#define RUN_IDENTITY_H

#include <stdint.h>

#include "invocation.h"

/* Equal hashes mean the same key: two keys do not share a hash by chance. */
struct identity {
	uint64_t hash[2];
};

/*
 * The identity of this call's key among the keys of `mode`; a result in a file
 * is of another kind than one in the segment. After a resize the segment has
 * another file, so the identity differs then, too.
 */
struct identity identity_of(const struct invocation *inv, enum run_mode mode);

#endif
