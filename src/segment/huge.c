/* SPDX-License-Identifier: MIT */
#include "segment/huge.h"

#include <stdbool.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

void *huge_map(int fd, size_t size)
{
	uint8_t *room, *at, *end;

	room = mmap(NULL, size + HUGE_PAGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return room;
	at = room + (-(uintptr_t)room & (HUGE_PAGE - 1));
	if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == MAP_FAILED) {
		munmap(room, size + HUGE_PAGE);
		return MAP_FAILED;
	}
	end = at + ((size + 4095) & ~(size_t)4095);
	if (at != room)
		munmap(room, (size_t)(at - room));
	munmap(end, (size_t)(room + size + HUGE_PAGE - end));
	/* On a mount with huge=advise the kernel now makes huge pages. */
	madvise(at, size, MADV_HUGEPAGE);
	return at;
}

/*
 * One call for all the ranges, because each call waits for other processors.
 * Leaves out a last range that the file does not fill.
 */
static void collapse(uint8_t *base, const struct shm_geometry *g,
		     uint64_t first, uint64_t last)
{
	uint64_t end = g->file_size & ~(HUGE_PAGE - 1);

	last = (last + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	last = last < end ? last : end;
	if (first < last)
		madvise(base + first, last - first, MADV_COLLAPSE);
}

/*
 * Whether a region after the slots begins at `at`. The range of 2 MiB around
 * that place begins in the region before, whose end may not be in use yet: then
 * nobody has collapsed the range. huge_prepare() has collapsed the ranges in
 * which the other regions begin.
 */
static bool region_begins(const struct shm_geometry *g, uint64_t at)
{
	return at == (g->desks_at & ~UINT64_C(4095)) || at == g->tags_at ||
	       at == g->granules_at;
}

void huge_collapse(uint8_t *base, const struct shm_geometry *g, uint64_t first,
		   uint64_t last)
{
	uint64_t from = first & ~(HUGE_PAGE - 1);

	if (from != first && !region_begins(g, first))
		from += HUGE_PAGE;
	if (from < last)
		collapse(base, g, from, last);
}

void huge_prepare(int fd, const struct shm_geometry *g)
{
	uint64_t buckets = g->buckets_at & ~(HUGE_PAGE - 1);
	uint8_t *base = huge_map(fd, g->file_size);

	if (base == MAP_FAILED)
		return;
	if (buckets)
		collapse(base, g, 0, SHM_HEADER_SIZE);
	collapse(base, g, buckets, g->slots_at);
	munmap(base, g->file_size);
}
