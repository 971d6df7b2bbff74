/* SPDX-License-Identifier: MIT */
/*
 * Huge pages, for a segment that asks for them (SHM_HUGE).
 *
 * The file is mapped where they can serve, and each range of 2 MiB is made one
 * when a part of it comes into use (MADV_COLLAPSE, Linux 6.1). That needs no
 * mount option. Who maps the file later gets them by its first fault; in whom
 * it is mapped already the kernel drops the small ones. A refusal is no error.
 */
#ifndef SEGMENT_HUGE_H
#define SEGMENT_HUGE_H

#include <stddef.h>
#include <stdint.h>

#include "segment/layout.h"

#define HUGE_PAGE (UINT64_C(2) << 20)

/* As mmap() of the whole file, shared, at a multiple of HUGE_PAGE. */
void *huge_map(int fd, size_t size);

/*
 * Makes huge pages of all ranges of the file, mapped at `base`, that begin in
 * the bytes [first, last), or in which a region begins there: once for each, as
 * a region grows. Takes a fraction of a millisecond for each; longer where the
 * kernel has to move memory to have one, or another processor is busy in it.
 * At least one page of the range must be there.
 */
void huge_collapse(uint8_t *base, const struct shm_geometry *g, uint64_t first,
		   uint64_t last);

/* The same for all up to the slots, in a file that nobody has mapped yet. */
void huge_prepare(int fd, const struct shm_geometry *g);

#endif
