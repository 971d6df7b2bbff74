/* SPDX-License-Identifier: MIT */
/*
 * Huge pages, for a segment that asks for them (SHM_HUGE).
 *
 * The library maps the file at a multiple of a huge page's size, and makes each
 * range of 2 MiB a huge page when a part of the range comes into use
 * (MADV_COLLAPSE, Linux 6.1), which needs no mount option. A process that maps
 * the file later gets the huge page at its first fault; in a process that has
 * the file mapped already, the kernel unmaps the small pages. If the kernel
 * refuses, that is no error.
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
 * Turns ranges of the file, which is mapped at `base`, into huge pages: those
 * that begin within the bytes [first, last), and also the one around `first` if
 * a region begins there. So a region that grows has each of its ranges
 * collapsed once. Each range must have memory for one of its pages at least. A
 * range takes a fraction of a millisecond, or longer if the kernel has to move
 * memory or another processor is busy in the range.
 */
void huge_collapse(uint8_t *base, const struct shm_geometry *g, uint64_t first,
		   uint64_t last);

/*
 * Turns the ranges of the header and the buckets into huge pages, in a file
 * that nobody has mapped yet.
 */
void huge_prepare(int fd, const struct shm_geometry *g);

#endif
