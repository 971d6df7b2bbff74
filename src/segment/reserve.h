/* SPDX-License-Identifier: MIT */
/*
 * Memory is reserved before it is first touched, so that a full file system
 * is an error of a call and never a SIGBUS.
 */
#ifndef SEGMENT_RESERVE_H
#define SEGMENT_RESERVE_H

#include "segment/mapping.h"

/*
 * Backs `size` bytes at `at` (in the mapping) with memory. Returns 0, -ENOSPC
 * or -ENOMEM. Needs no descriptor. Idempotent, and harmless to contents.
 */
int reserve_range(struct mapping *map, const void *at, uint64_t size);

/*
 * Grow a region's part in use by a chunk. Return 0, -ENOSPC (or -EUSERS for
 * participants) if there is no more. Somebody else's having grown it counts as
 * success. With slots the granules that lie in them come into use; the others
 * grow up to `most`.
 */
int grow_slots(struct mapping *map, uint32_t used);
int grow_granules(struct mapping *map, uint32_t used, uint32_t most);
int grow_participants(struct mapping *map, uint32_t used);

#endif
