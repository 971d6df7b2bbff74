/* SPDX-License-Identifier: MIT */
/* Notes, for operators, the time and the event of a flight's end. */
#ifndef SYNC_ENDING_H
#define SYNC_ENDING_H

#include "store/times.h"
#include "sync/flight.h"

/*
 * Remembers whose flight is about to end: once it has ended, the slot may be
 * another key's at any moment.
 */
static force_inline void ending_remember(struct peer *p,
					 const struct shm_slot *s)
{
	p->ending = (uint64_t)load_relaxed(&s->key_tag) << 32 |
		    load_relaxed(&s->hash);
}

static force_inline enum shm_kind ending_kind(const struct peer *p)
{
	return (enum shm_kind)(p->ending >> 44);
}

/*
 * Counts the time of a run of the work that has made a result. No work ran for
 * a put, nor for a value that a resize moves.
 */
static force_inline void ending_count_work(const struct flight *f,
					   struct peer *p)
{
	if (likely(!f->stored && !f->given && ending_kind(p) == SHM_VALUE))
		times_add(&p->record->worked, p->took);
}

/*
 * Notes in the history that the flight ended at `when`, after p->took. Notes
 * nothing for a claim's flight, because that is part of another flight.
 */
void ending_note(const struct flight *f, struct peer *p,
		 enum shm_event_kind kind, bool shared, uint64_t when);

/*
 * The same for a flight that was taken. The slot may be another key's by now
 * (MOVE-6); it is known to be the flight's if the leader still owns it.
 */
void ending_note_loss(const struct flight *f, struct peer *p);

#endif
