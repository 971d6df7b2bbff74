/* SPDX-License-Identifier: MIT */
#include "sync/lead.h"

int flight_claim(struct peer *p, struct sighting *seen, uint32_t lease_ms)
{
	return flight_claim_as(p, seen, lease_ms, sys.coarse(),
			       slot_kind(&p->map->slots[seen->slot]) ==
				       SHM_LOCK);
}

int flight_give_back(struct peer *p, uint32_t slot, uint64_t ctl)
{
	if (cas_seq(&p->map->slots[slot].ctl, ctl,
		    ctl_with(ctl, PHASE_IDLE, 0))) {
		event_wake(&p->map->desks[slot].event, true);
		claim_drop(p, slot);
	} else {
		/* Stolen meanwhile: the slot is ours to let go of. */
		flight_yield(p, slot);
	}
	return MOVED;
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
