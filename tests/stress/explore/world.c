/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "memory.h"
#include "oracle.h"
#include "segment/fingerprint.h"
#include "segment/geometry.h"
#include "weak.h"

struct world world;
static struct world world_start;

uint8_t world_bytes[WORLD_BYTES] __attribute__((aligned(4096)));
static uint8_t bytes_start[WORLD_BYTES] __attribute__((aligned(64)));
struct shm_geometry world_geometry;
struct mapping world_map;

/* From the first field that ever changes. */
#define CHANGES offsetof(struct shm_header, epoch)

static uint64_t ghosts_at, ring_at;

static uint64_t changes; /* hash of what differs from the start */

static uint64_t line_up(uint64_t n)
{
	return (n + SHM_LINE - 1) & ~(uint64_t)(SHM_LINE - 1);
}

/* As geometry.c does, without its pages: a run copies all of it. */
static void place(struct shm_geometry *g)
{
	uint64_t at = SHM_HEADER_SIZE;

	g->participants_at = at;
	at += g->participants * sizeof(struct shm_participant);
	g->buckets_at = at;
	at += line_up(g->buckets * sizeof(uint64_t));
	ring_at = at;
	at += SHM_RING_LEAST * sizeof(uint32_t);
	ghosts_at = at;
	at += line_up(geometry_ghosts(g) * sizeof(uint64_t));
	g->slots_at = at;
	at += g->slots * sizeof(struct shm_slot);
	g->desks_at = at;
	at += g->slots * sizeof(struct shm_desk);
	g->tags_at = at;
	at += line_up(g->granules * sizeof(uint64_t));
	g->granules_at = at;
	at += g->granules * SHM_GRANULE;
	g->file_size = at + WORLD_TAG_WORDS * sizeof(uint64_t);
	if (g->file_size <= WORLD_COPIED)
		return;
	fprintf(stderr,
		"explore: a segment of %llu bytes: raise WORLD_COPIED\n",
		(unsigned long long)g->file_size);
	exit(2);
}

void world_make(uint32_t slots, uint32_t granules, uint32_t buckets)
{
	struct shm_geometry *g = &world_geometry;

	*g = (struct shm_geometry){
		.slots = slots,
		.participants = WORLD_RECORDS,
		.buckets = buckets,
		.granules = granules,
		.max_value = granules * SHM_GRANULE,
	};
	place(g);
	memset(world_bytes, 0, sizeof(world_bytes));
	memset(&world, 0, sizeof(world));
	memset(&world_map, 0, sizeof(world_map));
	mapping_lay_out(&world_map, world_bytes, g);
	world_map.tag_words = (uint64_t *)(void *)(world_bytes + g->file_size) -
			      WORLD_TAG_WORDS;
	world_map.ghosts = (void *)(world_bytes + ghosts_at);
	world_map.ring = (void *)(world_bytes + ring_at);
	world_map.word_offset = 0;
	/* Times are told from "none" by not being 0. */
	world.now = UINT64_C(1) << 40;
	changes = 0;
}

void world_keep(void)
{
	world_start = world;
	memcpy(bytes_start, world_bytes, sizeof(bytes_start));
	changes = 0;
}

void world_reset(void)
{
	world = world_start;
	memcpy(world_bytes + CHANGES, bytes_start + CHANGES,
	       world_geometry.file_size - CHANGES);
	changes = 0;
}

static unsigned int alive(unsigned int fibers)
{
	unsigned int set = 0;

	for (unsigned int i = 0; i < fibers; i++)
		if (task_lives(&world.task[i]) &&
		    world.task[i].status != TASK_ENDED)
			set |= 1u << i;
	return set;
}

/* The processes that have a living thread. */
static unsigned int processes(unsigned int fibers)
{
	unsigned int set = 0;

	for (unsigned int i = 0; i < fibers; i++)
		if (alive(fibers) >> i & 1)
			set |= 1u << fiber_process(i);
	return set;
}

#define MIXER UINT64_C(0x9e3779b97f4a7c15)

uint64_t world_hash(unsigned int fibers)
{
	uint64_t h = changes ^ XXH3_64bits(&world, sizeof(world));

	for (unsigned int i = 0; i < fibers; i++)
		if (alive(fibers) >> i & 1)
			h = (h ^ fiber_thread_hash(i)) * MIXER + i;
	for (unsigned int i = 0; i < fibers; i++)
		if (processes(fibers) >> i & 1)
			h = (h ^ fiber_process_hash(i)) * MIXER + i;
	return memory_weak ? h ^ weak_hash(alive(fibers)) : h;
}

uint64_t world_read(const void *at, size_t size)
{
	switch (size) {
	case 1: return *(const uint8_t *)at;
	case 2: return *(const uint16_t *)at;
	case 4: return *(const uint32_t *)at;
	default: return *(const uint64_t *)at;
	}
}

void world_set(void *at, size_t size, uint64_t value)
{
	switch (size) {
	case 1: *(uint8_t *)at = (uint8_t)value; break;
	case 2: *(uint16_t *)at = (uint16_t)value; break;
	case 4: *(uint32_t *)at = (uint32_t)value; break;
	default: *(uint64_t *)at = value; break;
	}
}

/* A word's part of the hash, such that equal words cancel out. */
static uint64_t part(size_t offset, uint64_t word)
{
	uint64_t x = word * UINT64_C(0x9fb21c651e98df25) +
		     (offset + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 29;
}

/*
 * Counters and histograms decide nothing: states that differ in them only are
 * the same.
 */
static bool is_counter(size_t offset)
{
	size_t in = offset - world_geometry.participants_at;

	if (in >= world_geometry.buckets_at - world_geometry.participants_at)
		return false;
	in %= sizeof(struct shm_participant);
	return (in >= offsetof(struct shm_participant, counters) &&
		in < offsetof(struct shm_participant, hit)) ||
	       in >= offsetof(struct shm_participant, worked);
}

bool world_is_dull(const void *at)
{
	const struct shm_geometry *g = &world_geometry;
	size_t offset = (size_t)((const uint8_t *)at - world_bytes);
	size_t in =
		(offset - g->participants_at) % sizeof(struct shm_participant);

	if (offset < g->participants_at || offset >= g->buckets_at)
		return false;
	return in == offsetof(struct shm_participant, hits) ||
	       in == offsetof(struct shm_participant, hits_seen) ||
	       in == offsetof(struct shm_participant, active) ||
	       (in >= offsetof(struct shm_participant, counters) &&
		in < offsetof(struct shm_participant, pins)) ||
	       in >= offsetof(struct shm_participant, worked);
}

static size_t word_of(const void *at)
{
	return (size_t)((const uint8_t *)at - world_bytes) & ~(size_t)7;
}

struct world_change world_before(void *at, size_t size)
{
	return (struct world_change){
		.at = at,
		.size = size,
		.word = world_read(world_bytes + word_of(at), 8),
		.value = world_read(at, size),
	};
}

void world_after(const struct world_change *c, bool by_cas)
{
	size_t offset = word_of(c->at);

	if (is_counter(offset))
		return;
	changes ^= part(offset, c->word) ^
		   part(offset, world_read(world_bytes + offset, 8));
	oracle_saw_write(c->at, c->value, world_read(c->at, c->size), by_cas);
}
