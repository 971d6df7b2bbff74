/* SPDX-License-Identifier: MIT */
/*
 * Huge pages, for a segment that asks for them (SHM_HUGE).
 *
 * The file is mapped at a multiple of their size. Each range of 2 MiB becomes a
 * huge page when a part of it comes into use (MADV_COLLAPSE, Linux 6.1), which
 * needs no mount option. A process that maps the file later gets the huge page
 * by its first fault; in a process that has it mapped already, the kernel drops
 * the small ones. A refusal of the kernel is no error.
 */
#ifndef SEGMENT_HUGE_H
#define SEGMENT_HUGE_H

#include <stddef.h>
#include <stdint.h>

#include "segment/layout.h"

#define HUGE_PAGE (UINT64_C(2) << 20)

/* mmap() of the whole file, shared, at a multiple of HUGE_PAGE. */
void *huge_map(int fd, size_t size);

/*
 * Makes huge pages of ranges of the file that is mapped at `base`: of those
 * that begin in the bytes [first, last), and of the one around `first` if a
 * region begins at `first`. So as a region grows, each range is collapsed once.
 * At least one page of a range must have memory. Each range takes a fraction of
 * a millisecond, or longer if the kernel has to move memory or another
 * processor is busy in the range.
 */
void huge_collapse(uint8_t *base, const struct shm_geometry *g, uint64_t first,
		   uint64_t last);

/* Makes huge pages of all up to the slots, in a file that is not mapped yet. */
void huge_prepare(int fd, const struct shm_geometry *g);

#endif
