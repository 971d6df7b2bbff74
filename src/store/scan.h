/* SPDX-License-Identifier: MIT */
/*
 * Finding free granules, and claiming them for the chain that P builds.
 *
 * A home is a granule inside a slot; the others are outside. Homes are no
 * neighbours of each other, so a run (ARENA-5) has granules outside only.
 *
 * P remembers some runs that it has freed or brought into use (struct peer). It
 * alone uses these notes, and they are hints: before P claims a run it looks
 * whether the granules are still free. A run that P has forgotten is found by
 * the search.
 */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include "store/arena.h"

/* How many tags a search looks at if it goes on where it stopped before. */
#define SCAN_SHORT 256

/* How many granules outside slots there are, without the spare ones. */
static inline uint32_t scan_outside(const struct mapping *map)
{
	return map->geometry.granules - map->geometry.spare -
	       map->inline_granules;
}

/*
 * Tries to claim granule `ref` as the new head of the chain being built
 * (ARENA-1).
 */
bool scan_claim(struct peer *p, uint32_t ref);

/*
 * Each of the following claims up to `want` granules for the chain, in front of
 * those that it has, and returns how many.
 *
 * scan_any() takes free granules outside slots, then homes. Looks where P freed
 * some last, and then goes on where it stopped before, so that granules which
 * were freed elsewhere are found after some calls. Looks at a `part`-th of the
 * granules, and at some more.
 */
uint32_t scan_any(struct peer *p, uint32_t want, uint32_t part);
uint32_t scan_homes(struct peer *p, uint32_t want, uint32_t part);
uint32_t scan_spare(struct peer *p, uint32_t want);

/*
 * Takes granules of one run that has `least` of them: a run that P remembers,
 * or else one found by a search that looks at `budget` tags at most. Claims
 * fewer than `least` if another participant takes them at the same time.
 */
uint32_t scan_runs(struct peer *p, uint32_t want, uint32_t least,
		   uint32_t budget);

/* Notes that the granules `first` to `first` + `count` - 1 are free. */
void scan_note_run(struct peer *p, uint32_t first, uint32_t count);

#endif
