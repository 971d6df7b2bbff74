/* SPDX-License-Identifier: MIT */
/*
 * Callers reserve memory before they first touch it: on a full file system a
 * call then fails, and no thread gets a SIGBUS.
 */
#ifndef SEGMENT_RESERVE_H
#define SEGMENT_RESERVE_H

#include "segment/mapping.h"

/*
 * Backs `size` bytes at `at` (in the mapping) with memory, and keeps their
 * contents. Idempotent. Returns 0, -ENOSPC, or the kernel's error (-ENOMEM).
 * Needs no descriptor from Linux 5.14 on. Before, or under a filter that
 * forbids madvise(2), returns -EBADF if the program has closed it.
 */
int reserve_range(struct mapping *map, const void *at, uint64_t size);

/*
 * Each brings one more chunk of a region into use. `used` is how much was in
 * use when the caller looked. Returns 0, also if another caller has grown the
 * region since; -ENOSPC if all of it is in use (participants: -EUSERS); or an
 * error of reserve_range(). New slots bring the granules inside them into use;
 * grow_granules() brings others into use, up to `most` of them.
 */
int grow_slots(struct mapping *map, uint32_t used);
int grow_granules(struct mapping *map, uint32_t used, uint32_t most);
int grow_participants(struct mapping *map, uint32_t used);

#endif
