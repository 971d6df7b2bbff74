/* SPDX-License-Identifier: MIT */
#include "segment/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/killpoint.h"
#include "segment/huge.h"

#define CHUNK_SLOTS 512      /* 64 KiB */
#define CHUNK_GRANULES 4096  /* 256 KiB */
#define CHUNK_PARTICIPANTS 4 /* 15.3 KiB */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/*
 * MADV_POPULATE_WRITE (Linux 5.14) needs no descriptor, which a program that
 * turns into a daemon may have closed. On an older kernel, or under a filter
 * that forbids it, fallocate() takes its place.
 */
static int back_pages(struct mapping *map, uint64_t first, uint64_t last)
{
	int fd;

	if (!madvise(map->base + first, last - first, MADV_POPULATE_WRITE))
		return 0;
	if (errno == EFAULT)
		return -ENOSPC;
	if (errno == ENOMEM || errno == EHWPOISON)
		return -errno;
	fd = mapping_fd(map);
	if (fd < 0)
		return -EBADF;
	while (fallocate(fd, 0, (off_t)first, (off_t)(last - first)))
		if (errno != EINTR)
			return -errno;
	return 0;
}

int reserve_range(struct mapping *map, const void *at, uint64_t size)
{
	uint64_t from = (uint64_t)((const uint8_t *)at - map->base);
	uint64_t first = from & ~UINT64_C(4095);
	uint64_t last = (from + size + 4095) & ~UINT64_C(4095);
	int r;

	if (last > map->geometry.file_size)
		last = map->geometry.file_size;
	r = back_pages(map, first, last);
	if (!r && map->huge)
		huge_collapse(map->base, &map->geometry, first, last);
	return r;
}

/*
 * Reserves [used, used + chunk) of an array, then raises *mark from `used`.
 * Returns by how much, 0 if another caller has raised it, or an error.
 */
static int grow(struct mapping *map, uint32_t *mark, uint32_t used,
		uint32_t chunk, uint32_t most, const void *array, size_t each)
{
	uint32_t more = most - used < chunk ? most - used : chunk;
	int r;

	if (!more)
		return -ENOSPC;
	r = reserve_range(map, (const uint8_t *)array + (uint64_t)used * each,
			  (uint64_t)more * each);
	if (r)
		return r;
	kill_point(grow_reserved);
	return cas_acq_rel(mark, used, used + more) ? (int)more : 0;
}

static int reserve_tags(struct mapping *map, uint32_t from, uint32_t count)
{
	return reserve_range(map, &map->tags[from],
			     (uint64_t)count * sizeof(*map->tags));
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

int grow_slots(struct mapping *map, uint32_t used)
{
	uint32_t inline_left =
		map->inline_granules > used ? map->inline_granules - used : 0;
	int r = 0;

	if (inline_left)
		r = reserve_tags(map, used, least(inline_left, CHUNK_SLOTS));
	if (!r)
		r = reserve_range(map, &map->cold[used],
				  least(map->geometry.slots - used,
					CHUNK_SLOTS) *
					  sizeof(*map->cold));
	if (!r)
		r = grow(map, &map->header->slots_used, used, CHUNK_SLOTS,
			 map->geometry.slots, map->slots, sizeof(*map->slots));
	if (r <= 0)
		return r;
	/* The new slots are free: the next search for one begins there. */
	store_relaxed(&map->header->free_hand, used);
	fetch_add_relaxed(&map->header->slots_free, r);
	return 0;
}

int grow_granules(struct mapping *map, uint32_t used, uint32_t most)
{
	uint32_t more = least(most - used, CHUNK_GRANULES);
	int r = more ? reserve_tags(map, map->inline_granules + used, more) :
		       -ENOSPC;

	if (!r)
		r = grow(map, &map->header->granules_used, used, CHUNK_GRANULES,
			 most, map->granules, SHM_GRANULE);
	return r < 0 ? r : 0;
}

int grow_participants(struct mapping *map, uint32_t used)
{
	int r = grow(map, &map->header->participants_used, used,
		     CHUNK_PARTICIPANTS, map->geometry.participants,
		     map->participants, sizeof(*map->participants));

	if (r == -ENOSPC && used >= map->geometry.participants)
		return -EUSERS;
	return r < 0 ? r : 0;
}
