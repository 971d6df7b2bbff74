/* SPDX-License-Identifier: MIT */
#include "sync/ending.h"

#include "os/sys.h"
#include "store/history.h"

void ending_note(const struct flight *f, struct peer *p,
		 enum shm_event_kind kind, bool shared, uint64_t when)
{
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

	history_flight(p->record, EVENT_fenced, ctl_gen(f->ctl),
		       mine ? f->slot : HISTORY_NO_SLOT,
		       mine ? load_relaxed(&s->hash) : 0, sys.coarse(), 0);
}
