/* SPDX-License-Identifier: MIT */
#include "sync/deadlock.h"

#include "peer/liveness.h"

/* Where the owner of `slot` waits, + 1; 0: nowhere, or nobody owns it. */
static uint32_t next_on_the_way(struct peer *p, uint32_t slot, uint64_t *trace,
				bool *back)
{
	struct mapping *map = p->map;
	struct shm_slot *s = slot_at(map, slot);
	uint64_t ctl = s ? load_seq(&s->ctl) : 0;
	struct shm_participant *owner = participant_at(map, ctl_owner(ctl) - 1);
	uint32_t word;

	*back = false;
	/* What the dead own is about to be taken over. */
	if (!owner || !ctl_busy(ctl) || life_proven_dead(map, owner, &word))
		return 0;
	/* The slot as well: control words of different slots may be equal. */
	*trace = (*trace ^ ctl) * UINT64_C(0x9e3779b97f4a7c15) + slot;
	*back = owner == p->record;
	/* ORDER-D2 pairs ORDER-D1 */
	return load_seq(&owner->wait_slot);
}

/* Walks once; true: it leads back. What it met goes into *trace. */
static bool walk(struct peer *p, uint32_t slot, uint64_t *trace)
{
	uint32_t left = participants_used(p->map);
	uint32_t next = slot + 1;
	bool back = false;

	*trace = 0;
	while (next && left-- && !back)
		next = next_on_the_way(p, next - 1, trace, &back);
	return back;
}

bool deadlock_would_be(struct peer *p, uint32_t slot)
{
	uint64_t once, twice;

	return walk(p, slot, &once) && walk(p, slot, &twice) && once == twice;
}
