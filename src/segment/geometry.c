/* SPDX-License-Identifier: MIT */
#include "segment/geometry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_SLOTS 16384u
#define DEFAULT_PARTICIPANTS 1024u
#define DEFAULT_MAX_VALUE (1u << 20)
#define DEFAULT_BYTES (UINT64_C(16) << 20)

void options_explain(const struct sfshm_options *o, const char *format, ...)
{
	va_list args;

	if (!o || !o->why || !o->why_size)
		return;
	va_start(args, format);
	vsnprintf(o->why, o->why_size, format, args);
	va_end(args);
}

static uint64_t page_up(uint64_t n)
{
	return (n + 4095) & ~UINT64_C(4095);
}

/* Seven buckets for each four slots: in a full table three hits in four find
   their key's slot first in its chain. More buckets would not pay. */
static uint32_t buckets_for(uint32_t slots)
{
	uint32_t n = slots + slots / 4 * 3;

	return n < 64 ? 64 : n;
}

uint64_t geometry_tag_words_at(const struct shm_geometry *g)
{
	return g->buckets_at + page_up((uint64_t)g->buckets * sizeof(uint64_t));
}

uint64_t geometry_ghosts_at(const struct shm_geometry *g)
{
	return geometry_tag_words_at(g) + SHM_TAG_WORDS * sizeof(uint64_t);
}

uint32_t geometry_ghosts(const struct shm_geometry *g)
{
	return (uint32_t)((uint64_t)g->slots * 23 / 100) + 1;
}

uint64_t geometry_ring_at(const struct shm_geometry *g)
{
	return geometry_ghosts_at(g) + geometry_ghosts(g) * sizeof(uint64_t);
}

uint32_t geometry_ring(const struct shm_geometry *g)
{
	uint32_t entries = SHM_RING_LEAST;

	while (entries < g->slots / 32 + SHM_RING_LEAST / 2)
		entries *= 2;
	return entries;
}

#define HALF_PAGE 2048

/* Works out the regions from the counts. */
static void place(struct shm_geometry *g)
{
	uint64_t at = SHM_HEADER_SIZE;

	g->buckets = buckets_for(g->slots);
	g->participants_at = at;
	at += page_up((uint64_t)g->participants *
		      sizeof(struct shm_participant));
	g->buckets_at = at;
	at = page_up(geometry_ring_at(g) +
		     (uint64_t)geometry_ring(g) * sizeof(uint32_t));
	g->slots_at = at;
	at += page_up((uint64_t)g->slots * sizeof(struct shm_slot));
	/*
	 * If a slot and its cold part had the same offset in a page, loads
	 * from one would wait for stores to the other. Half a page between the
	 * regions keeps the two offsets apart, except in slot 32 and each 64th
	 * slot after it.
	 */
	g->desks_at = at + HALF_PAGE;
	at += page_up(HALF_PAGE + (uint64_t)g->slots * sizeof(struct shm_desk));
	g->tags_at = at;
	at += page_up((uint64_t)g->granules * sizeof(uint64_t));
	g->granules_at = at;
	at += page_up((uint64_t)(g->granules - geometry_inline_granules(g)) *
		      SHM_GRANULE);
	g->file_size = at;
}

static int counts_fit(const struct shm_geometry *g)
{
	return g->slots >= 1 && g->slots <= SHM_MAX_SLOTS &&
	       g->participants >= 1 &&
	       g->participants <= SHM_MAX_PARTICIPANTS &&
	       g->granules <= SHM_MAX_GRANULES && g->spare < g->granules &&
	       g->max_value <= (uint64_t)(g->granules - g->spare) * SHM_GRANULE;
}

/*
 * Returns how many spare granules there are beyond the bytes that the creator
 * asked for: enough for one result of any size, or for a few small ones. A
 * leader that has no room to keep a result hands the result to its followers in
 * spare granules. These take no memory until a leader first needs them.
 */
static uint32_t spare_for(const struct shm_geometry *g)
{
	uint64_t bytes = sizeof(struct shm_tagging) + (uint64_t)g->max_value;
	uint32_t largest = (uint32_t)((bytes + SHM_GRANULE - 1) / SHM_GRANULE);
	uint32_t most = SHM_MAX_GRANULES - g->granules;

	return largest < most ? largest : most;
}

int geometry_choose(struct shm_geometry *out, const struct sfshm_options *o)
{
	struct shm_geometry g = { 0 };
	uint64_t bytes = o && o->bytes ? o->bytes : DEFAULT_BYTES;
	uint64_t granules = (bytes + SHM_GRANULE - 1) / SHM_GRANULE;

	g.slots = o && o->slots ? o->slots : DEFAULT_SLOTS;
	g.participants = o && o->participants ? o->participants :
						DEFAULT_PARTICIPANTS;
	g.max_value = o && o->max_value ? o->max_value : DEFAULT_MAX_VALUE;
	if (!(o && o->max_value) && g.max_value > bytes)
		g.max_value = (uint32_t)bytes;
	g.granules = granules > SHM_MAX_GRANULES ? 0 : (uint32_t)granules;
	g.spare = spare_for(&g);
	g.granules += g.spare;
	if (!counts_fit(&g)) {
		options_explain(o,
				"geometry out of range: choose 1 to %u slots, "
				"1 to %u participants, up to 16 GiB for "
				"values, and a largest value within that",
				SHM_MAX_SLOTS, SHM_MAX_PARTICIPANTS);
		return -EINVAL;
	}
	place(&g);
	*out = g;
	return 0;
}

int geometry_check(const struct shm_geometry *g)
{
	struct shm_geometry must = {
		.slots = g->slots,
		.participants = g->participants,
		.granules = g->granules,
		.max_value = g->max_value,
		.spare = g->spare,
	};

	if (!counts_fit(g))
		return -EPROTO;
	place(&must);
	return memcmp(&must, g, sizeof(must)) ? -EPROTO : 0;
}
