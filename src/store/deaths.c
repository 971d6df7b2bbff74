/* SPDX-License-Identifier: MIT */
#include "store/deaths.h"

#include "os/sys.h"

#define FINGERPRINT UINT64_C(0xffffffe0)

static uint64_t *place(const struct mapping *map, uint32_t hash)
{
	return &map->header->deaths[hash % SHM_DEATHS];
}

uint64_t deaths_of(const struct mapping *map, uint32_t slot, uint64_t ctl)
{
	const struct shm_slot *s = &map->slots[slot];
	uint64_t count = deaths_count(load_relaxed(&s->deaths)), when, now;

	if (likely(!count) || slot_kind(s) == SHM_LOCK)
		return 0;
	now = sys.coarse();
	when = started_ns(load_acquire(&map->cold[slot].started), ctl_gen(ctl),
			  now);
	if (!when)
		when = now;
	return (when >> 24) << 32 | (s->hash & FINGERPRINT) | count;
}

void deaths_remember(struct mapping *map, uint32_t hash, uint64_t word)
{
	store_relaxed(place(map, hash), word);
}

uint64_t deaths_recall(const struct mapping *map, uint32_t hash)
{
	uint64_t word = load_relaxed(place(map, hash));

	return ((word ^ hash) & FINGERPRINT) ? 0 : word;
}

void deaths_forget(struct mapping *map, uint32_t hash, uint64_t word)
{
	if (word)
		cas_relaxed(place(map, hash), word, 0);
}

void deaths_forget_all(struct mapping *map)
{
	for (uint32_t i = 0; i < SHM_DEATHS; i++)
		deaths_remember(map, i, 0);
}
