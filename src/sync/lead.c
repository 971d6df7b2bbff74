/* SPDX-License-Identifier: MIT */
#include "sync/lead.h"

enum step flight_claim(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	int r = flight_claim_as(p, seen, c->lease_or_rank, sys.coarse(),
				slot_kind(&p->map->slots[seen->slot]) ==
					SHM_LOCK);

	return r == SFSHM_LEADER ? STEP_LEAD :
	       r == AGAIN        ? STEP_AGAIN :
				   call_answer(c, r);
}

void flight_give_back(struct peer *p, uint32_t slot, uint64_t ctl)
{
	if (ctl_end(&p->map->slots[slot].ctl, ctl,
		    ctl_with(ctl, PHASE_IDLE, 0))) {
		event_wake(p->map, &p->map->cold[slot].event, true);
		owned_drop(p, slot);
	} else {
		/* The key was stolen meanwhile: let go of the slot. */
		flight_yield(p, slot);
	}
}

int flight_alone(struct flight *f, const struct sfshm_policy *policy,
		 struct sfshm_result *result)
{
	*f = (struct flight){
		.alone = true,
		.cookie = process_cookie(),
	};
	flight_fill(f, policy);
	flight_tell(result, 0, false, false);
	return SFSHM_LEADER;
}
