/* SPDX-License-Identifier: MIT */
#include "store/limbo.h"

/* Frees a remembered slot, whose word is `c`, if its grace period is over. */
static bool end_limbo(struct peer *p, uint32_t slot, uint64_t c, uint64_t *ctl)
{
	return slot_grace_over(p->map, slot, c) &&
	       slot_reclaim(p, slot, c, ctl);
}

static uint32_t remembered(const struct peer *p)
{
	return p->limbo_count < PEER_LIMBO ? p->limbo_count : PEER_LIMBO;
}

bool limbo_take(struct peer *p, bool memory, uint32_t *slot, uint64_t *ctl)
{
	for (uint32_t i = 0; i < remembered(p); i++) {
		uint64_t freed = p->freed;
		uint64_t c;

		*slot = p->limbo[i];
		c = load_seq(&p->map->slots[*slot].ctl);
		if (end_limbo(p, *slot, c, &c) && memory && p->freed != freed)
			return true;
		*ctl = c;
		if (!memory && ctl_phase(c) == PHASE_FREE)
			return true;
	}
	return false;
}

bool limbo_waits(struct peer *p)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < remembered(p); i++) {
		uint64_t c = load_seq(&p->map->slots[p->limbo[i]].ctl);

		if (slot_is_stamped(p->map, p->limbo[i], c))
			p->limbo[kept++] = p->limbo[i];
	}
	p->limbo_count = kept;
	return kept > 0;
}

/* A slot stamped in this epoch may be used again after two steps. */
bool limbo_advance(struct peer *p)
{
	for (int i = 0; i < 2; i++)
		if (!epoch_advance(p))
			return false;
	return true;
}

void limbo_harvest(struct peer *p)
{
	uint32_t slot;
	uint64_t ctl;

	if (!limbo_waits(p) || !limbo_advance(p))
		return;
	while (limbo_take(p, true, &slot, &ctl))
		;
}
