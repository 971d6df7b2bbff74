/* SPDX-License-Identifier: MIT */
/*
 * Maps segments while fuzzing: each far from everything else, in the middle of
 * addresses that fault, so that an index out of its range, of 32 bits at most,
 * never meets memory by chance. The unused ends of its regions' last pages are
 * poisoned. This file stands in for mmap(2) and munmap(2).
 */
#ifndef FUZZ_GUARD_H
#define FUZZ_GUARD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How many segments are mapped there. */
unsigned int guard_count(void);

/* The file that `at` is a byte of, and which byte; 0: of none. */
ino_t guard_find(const void *at, uint64_t *offset);

/* Past the guard: the address of a plain mapping, or NULL. */
void *guard_map_plainly(int fd, size_t size);
void guard_unmap_plainly(void *at, size_t size);

#endif
