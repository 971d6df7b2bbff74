/* SPDX-License-Identifier: MIT */
#include "fleet/breaker.h"

#include "fleet/fleet.h"

#define TIME_BITS 48
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

static uint64_t *word_of(struct mapping *map, const struct sfshm_fleet *fleet)
{
	return &map->header->fleet_down[fleet->url_hash % SHM_FLEET_DOWN];
}

static bool is_mine(uint64_t word, const struct sfshm_fleet *fleet)
{
	return word && word >> TIME_BITS == fleet->url_hash >> TIME_BITS;
}

static uint64_t from_now(const struct sfshm_fleet *fleet)
{
	uint64_t ms = ns_after(sys.now(), fleet->retry_ms) / NS_PER_MS;

	return (fleet->url_hash & ~TIME_MASK) | (ms & TIME_MASK);
}

bool breaker_passes(struct mapping *map, const struct sfshm_fleet *fleet)
{
	uint64_t *word = word_of(map, fleet), seen = load_relaxed(word);

	if (likely(!is_mine(seen, fleet)))
		return true;
	if (sys.now() / NS_PER_MS < (seen & TIME_MASK))
		return false;
	return cas_relaxed(word, seen, from_now(fleet));
}

void breaker_trip(struct mapping *map, const struct sfshm_fleet *fleet)
{
	store_relaxed(word_of(map, fleet), from_now(fleet));
}

void breaker_close(struct mapping *map, const struct sfshm_fleet *fleet)
{
	uint64_t *word = word_of(map, fleet), seen = load_relaxed(word);

	if (unlikely(is_mine(seen, fleet)))
		(void)cas_relaxed(word, seen, 0);
}
