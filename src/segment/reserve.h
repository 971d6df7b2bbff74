/* SPDX-License-Identifier: MIT */
/*
 * Callers reserve memory before they first touch it, so that a full file
 * system makes a call fail and is never a SIGBUS.
 */
#ifndef SEGMENT_RESERVE_H
#define SEGMENT_RESERVE_H

#include "segment/mapping.h"

/*
 * Backs `size` bytes at `at` (in the mapping) with memory. Returns 0, -ENOSPC,
 * or the kernel's error (-ENOMEM). Needs no descriptor from Linux 5.14 on.
 * Idempotent, and harmless to contents.
 */
int reserve_range(struct mapping *map, const void *at, uint64_t size);

/*
 * Grow a region's part in use by a chunk. Return 0, also if another caller has
 * grown it, or -ENOSPC (-EUSERS for participants) if all of it is in use. With
 * its slots grow_slots() brings the granules inside them into use;
 * grow_granules() brings the others into use, up to `most` of them.
 */
int grow_slots(struct mapping *map, uint32_t used);
int grow_granules(struct mapping *map, uint32_t used, uint32_t most);
int grow_participants(struct mapping *map, uint32_t used);

#endif
