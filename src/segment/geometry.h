/* SPDX-License-Identifier: MIT */
/* Sizes and places of a segment's regions: computed once, checked at open. */
#ifndef SEGMENT_GEOMETRY_H
#define SEGMENT_GEOMETRY_H

#include <sfshm/segment.h>

#include "segment/layout.h"

/*
 * Works out the geometry that the options ask for, with defaults filled in.
 * Returns 0, or -EINVAL with a line in options->why.
 */
int geometry_choose(struct shm_geometry *out, const struct sfshm_options *o);

/* Checks that every region is where the counts put it: 0 or -EPROTO. */
int geometry_check(const struct shm_geometry *g);

/* The offset of the tag words, which follow the buckets. */
uint64_t geometry_tag_words_at(const struct shm_geometry *g);

/*
 * The ghosts (store/probation.h) follow the tag words, and the probation ring
 * follows the ghosts. There are 23 words of five ghosts for each 100 slots. The
 * ring's number of entries is a power of two, and larger than the number of
 * slots on probation.
 */
uint64_t geometry_ghosts_at(const struct shm_geometry *g);
uint64_t geometry_ring_at(const struct shm_geometry *g);
uint32_t geometry_ghosts(const struct shm_geometry *g);
uint32_t geometry_ring(const struct shm_geometry *g);

/* How many granules are inside slots. */
static inline uint32_t geometry_inline_granules(const struct shm_geometry *g)
{
	uint32_t most = g->granules - g->spare;

	return g->slots < most ? g->slots : most;
}

/* How many bytes of values fit into the segment, without the spare granules. */
static inline uint64_t geometry_bytes(const struct shm_geometry *g)
{
	return (uint64_t)(g->granules - g->spare) * SHM_GRANULE;
}

/* Writes one line to options->why, if there is room for one. */
void options_explain(const struct sfshm_options *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
