/* SPDX-License-Identifier: MIT */
#include "sync/deadlock.h"

#include "peer/liveness.h"

/* Slot + 1 that the owner of `slot` waits for; 0: none, or no owner. */
static uint32_t next_on_the_way(struct peer *p, uint32_t slot, uint64_t *trace,
				bool *back)
{
	struct mapping *map = p->map;
	struct shm_slot *s = slot_at(map, slot);
	uint64_t ctl = s ? load_seq(&s->ctl) : 0;
	struct shm_participant *owner = participant_at(map, ctl_owner(ctl) - 1);
	uint32_t word;

	*back = false;
	/* A dead owner waits for nothing: a follower takes its flight over. */
	if (!owner || !ctl_busy(ctl) || life_proven_dead(map, owner, &word))
		return 0;
	/* Add the slot, for control words of different slots may be equal. */
	*trace = (*trace ^ ctl) * UINT64_C(0x9e3779b97f4a7c15) + slot;
	*back = owner == p->record;
	/* ORDER-D2 pairs ORDER-D1 */
	return load_seq(&owner->wait_slot);
}

/* Walks the graph once. True: it leads back to P. *trace sums up the words. */
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
