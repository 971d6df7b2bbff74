/* SPDX-License-Identifier: MIT */
#include "sync/ending.h"

#include "os/probe.h"
#include "os/sys.h"
#include "store/history.h"

void ending_note(const struct flight *f, struct peer *p,
		 enum shm_event_kind kind, bool shared, uint64_t when)
{
	probe_point(flight_end, (uint32_t)p->ending, f->slot, ctl_gen(f->ctl),
		    (int)kind, p->took, shared);
	if (ending_kind(p) != SHM_CLAIM)
		history_flight(p->record, kind,
			       ctl_gen(f->ctl) | (shared ? HISTORY_AWAITED : 0),
			       f->slot, (uint32_t)p->ending, when, p->took);
}

void ending_note_loss(const struct flight *f, struct peer *p)
{
	const struct shm_slot *s = &p->map->slots[f->slot];
	uint64_t ctl = load_seq(&s->ctl);
	bool mine = ctl_gen(ctl) == ctl_gen(f->ctl) && ctl_owner(ctl) == p->id;

	uint32_t slot = mine ? f->slot : HISTORY_NO_SLOT;
	uint32_t hash = mine ? load_relaxed(&s->hash) : 0;

	probe_point(flight_end, hash, slot, ctl_gen(f->ctl), (int)EVENT_fenced,
		    (uint64_t)0, false);
	history_flight(p->record, EVENT_fenced, ctl_gen(f->ctl), slot, hash,
		       sys.coarse(), 0);
}
