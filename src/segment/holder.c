/* SPDX-License-Identifier: MIT */
#include "segment/holder.h"

#include "os/hash.h"

/* The segment's own identity, in two halves. */
static void identify(const struct mapping *map, uint64_t half[2])
{
	uint64_t id[6] = {
		map->seed,
		load_relaxed(&map->header->created),
		map->dev,
		map->ino,
	};
	uint8_t boot_id[16];

	copy_torn(boot_id, &map->header->boot_id, sizeof(boot_id));
	memcpy(&id[4], boot_id, sizeof(boot_id));
	half[0] = hash_bytes(id, sizeof(id), 0);
	half[1] = hash_bytes(id, sizeof(id), half[0]);
}

void holder_of(const struct mapping *map, uint8_t holder[SFSHM_FLEET_HOLDER])
{
	const struct shm_header *h = map->header;
	uint64_t half[2];

	static_assert(sizeof(half) == SFSHM_FLEET_HOLDER, "two halves");
	identify(map, half);
	if (load_relaxed(&h->fleet_heir) == half[0]) {
		half[0] = load_relaxed(&h->fleet_holder[0]);
		half[1] = load_relaxed(&h->fleet_holder[1]);
	}
	memcpy(holder, half, sizeof(half));
}

void holder_pass(struct mapping *new, const struct mapping *old)
{
	struct shm_header *h = new->header;
	uint64_t half[2];

	holder_of(old, (uint8_t *)half);
	store_relaxed(&h->fleet_holder[0], half[0]);
	store_relaxed(&h->fleet_holder[1], half[1]);
	identify(new, half);
	store_relaxed(&h->fleet_heir, half[0]);
	holder_note_token(new, load_relaxed(&old->header->fleet_token));
}

void holder_note_token(struct mapping *map, uint64_t token)
{
	uint64_t *word = &map->header->fleet_token, seen = load_relaxed(word);

	while (seen < token && !cas_relaxed(word, seen, token))
		seen = load_relaxed(word);
}
