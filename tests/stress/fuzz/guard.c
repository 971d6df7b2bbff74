/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "segment/layout.h"
#include "segment/geometry.h"

/* Even slot 2^32 - 1 is inside a room; a slot is the largest thing indexed. */
#define ROOM (UINT64_C(1) << 40)
#define BEFORE (UINT64_C(1) << 36)
#define ROOMS 8

static uint8_t *rooms;
static struct {
	uint8_t *base;
	size_t size; /* 0: empty */
	ino_t ino;   /* 0: a place that was asked for, to be mapped next */
} tenants[ROOMS];

void *__real_mmap(void *at, size_t size, int prot, int flags, int fd,
		  off_t offset);
int __real_munmap(void *at, size_t size);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd,
		  off_t offset);
int __wrap_munmap(void *at, size_t size);

static uint8_t *place_of(unsigned int room)
{
	return rooms + room * ROOM + BEFORE;
}

static void *keep_out(void *at, size_t size, int flags)
{
	return __real_mmap(at, size, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags,
			   -1, 0);
}

static int free_room(void)
{
	if (!rooms)
		rooms = keep_out(NULL, ROOMS * ROOM, 0);
	if (rooms == MAP_FAILED)
		abort();
	for (int i = 0; i < ROOMS; i++)
		if (!tenants[i].size)
			return i;
	return -1;
}

/* Poisons what is between a region's end and the next region, in the file. */
static void poison(const uint8_t *base, uint64_t at, uint64_t used,
		   uint64_t next, uint64_t size)
{
	if (at + used < next && next <= size)
		ASAN_POISON_MEMORY_REGION(base + at + used, next - at - used);
}

static void poison_rests(const uint8_t *base, uint64_t size)
{
	const struct shm_header *h = (const void *)base;
	const struct shm_geometry g = h->geometry;

	poison(base, g.participants_at,
	       (uint64_t)g.participants * sizeof(struct shm_participant),
	       g.buckets_at, size);
	poison(base, g.buckets_at, (uint64_t)g.buckets * sizeof(uint64_t),
	       geometry_tag_words_at(&g), size);
	poison(base, geometry_ring_at(&g), geometry_ring(&g) * sizeof(uint32_t),
	       g.slots_at, size);
	poison(base, g.slots_at, (uint64_t)g.slots * sizeof(struct shm_slot),
	       g.desks_at, size);
	poison(base, g.desks_at, (uint64_t)g.slots * sizeof(struct shm_desk),
	       g.tags_at, size);
	poison(base, g.tags_at, (uint64_t)g.granules * sizeof(uint64_t),
	       g.granules_at, size);
	poison(base, g.granules_at,
	       (uint64_t)(g.granules - geometry_inline_granules(&g)) *
		       SHM_GRANULE,
	       size, size);
}

static int room_of(const void *at)
{
	uint64_t distance = (uint64_t)((const uint8_t *)at - rooms);

	if (!rooms || (const uint8_t *)at < rooms || distance >= ROOMS * ROOM)
		return -1;
	return (int)(distance / ROOM);
}

/* Maps a file, at a place of ours. */
static void *settle(int room, void *at, size_t size, int prot, int fd,
		    off_t offset)
{
	struct stat st;
	void *base;

	if (fstat(fd, &st))
		return MAP_FAILED;
	base = __real_mmap(at, size, prot, MAP_SHARED | MAP_FIXED, fd, offset);
	if (base == MAP_FAILED)
		return base;
	tenants[room].base = base;
	tenants[room].size = size;
	tenants[room].ino = st.st_ino;
	poison_rests(base, size);
	return base;
}

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd,
		  off_t offset)
{
	bool segment = flags == MAP_SHARED && size >= SHM_HEADER_SIZE;
	bool place = prot == PROT_NONE && flags & MAP_NORESERVE;
	int room = room_of(at);

	if (room >= 0)
		return settle(room, at, size, prot, fd, offset);
	if (!at && size < ROOM / 4 && (segment || place))
		room = free_room();
	if (room < 0)
		return __real_mmap(at, size, prot, flags, fd, offset);
	if (segment)
		return settle(room, place_of((unsigned int)room), size, prot,
			      fd, offset);
	tenants[room].base = place_of((unsigned int)room);
	tenants[room].size = size;
	tenants[room].ino = 0;
	return tenants[room].base;
}

/* A part that is no whole mapping is what is left over of a mapping's place. */
int __wrap_munmap(void *at, size_t size)
{
	int room = room_of(at);

	if (room < 0)
		return __real_munmap(at, size);
	if (at == tenants[room].base) {
		if (size != tenants[room].size)
			abort();
		ASAN_UNPOISON_MEMORY_REGION(at, size);
		tenants[room].size = 0;
	}
	return keep_out(at, size, MAP_FIXED) == MAP_FAILED ? -1 : 0;
}

unsigned int guard_count(void)
{
	unsigned int n = 0;

	for (int i = 0; i < ROOMS; i++)
		n += tenants[i].size != 0;
	return n;
}

ino_t guard_find(const void *at, uint64_t *offset)
{
	int room = room_of(at);

	if (room < 0)
		return 0;
	*offset =
		(uint64_t)((const uint8_t *)at - place_of((unsigned int)room));
	return *offset < tenants[room].size ? tenants[room].ino : 0;
}

void *guard_map_plainly(int fd, size_t size)
{
	void *at = __real_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			       fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

void guard_unmap_plainly(void *at, size_t size)
{
	__real_munmap(at, size);
}
