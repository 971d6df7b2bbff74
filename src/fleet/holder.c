/* SPDX-License-Identifier: MIT */
#include "fleet/holder.h"

#include "os/hash.h"

void holder_of(const struct mapping *map, uint8_t holder[SFSHM_FLEET_HOLDER])
{
	struct {
		uint64_t seed, created, dev, ino;
		uint8_t boot_id[16];
	} id = {
		.seed = map->seed,
		.created = load_relaxed(&map->header->created),
		.dev = map->dev,
		.ino = map->ino,
	};
	uint64_t half[2];

	static_assert(sizeof(half) == SFSHM_FLEET_HOLDER, "two halves");
	copy_torn(id.boot_id, &map->header->boot_id, sizeof(id.boot_id));
	half[0] = hash_bytes(&id, sizeof(id), 0);
	half[1] = hash_bytes(&id, sizeof(id), half[0]);
	memcpy(holder, half, sizeof(half));
}
