/* SPDX-License-Identifier: MIT */
/* Giving back what dead and leaving participants own. */
#include <errno.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/polled.h"
#include "peer/wait.h"
#include "store/history.h"
#include "store/owned.h"
#include "store/pin.h"
#include "store/sharers.h"
#include "sync/detached.h"
#include "sync/lock.h"
#include "sync/move.h"
#include "sync/permit.h"
#include "sync/semaphore.h"

/* Whether a leader that came after the dead one has ended a flight. */
static bool outlived(uint64_t dead, uint64_t now)
{
	uint64_t passed = ctl_gen(now) - ctl_gen(dead);

	return passed > 1 || (passed && !ctl_busy(now));
}

/*
 * Counts a leader's death, and notes the time of the death in `started`, in
 * place of the flight's start. A caller does this before it ends or takes over
 * the dead leader's flight, while the control word still names that leader. So
 * a caller that finds the slot at rest, or leads it, knows of the death. Of
 * several callers, each CAS lets one through.
 *
 * A late caller may count the death after another leader has ended a flight and
 * cleared the count. Such a caller takes its own count back. If it dies before
 * that, the count is one too high, which is legal for a hint.
 */
void flight_note_death(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t *started = &p->map->cold[slot].started;
	/* As ORDER-B4 in leader.c. */
	uint64_t from = load_acquire(started);
	uint8_t deaths = load_acquire(&s->deaths), more;
	uint32_t hash = history_hash(p->map, slot);

	if (load_seq(&s->ctl) != ctl || deaths_have(deaths, ctl_gen(ctl)))
		return;
	cas_acq_rel(started, from,
		    started_make(slot_gen(p->map, ctl), sys.now()));
	kill_point(death_seen);
	more = deaths_add(deaths, ctl_gen(ctl));
	if (!cas_acq_rel(&s->deaths, deaths, more))
		return;
	if (outlived(ctl, load_seq(&s->ctl))) {
		cas_acq_rel(&s->deaths, more, deaths);
	} else {
		peer_count(p, COUNT_owner_died);
		history_rare(p, EVENT_leader_died, slot, hash, ctl_gen(ctl),
			     history_process(p, ctl_owner(ctl)));
	}
	kill_point(death_noted);
}

bool flight_fails_if_lost(const struct mapping *map, uint32_t slot,
			  uint64_t ctl)
{
	struct field field = slot_other(map, slot, ctl);

	return slot_kind(&map->slots[slot]) == SHM_VALUE &&
	       ctl_phase(ctl) == PHASE_BUSY && !ctl_failed(ctl) &&
	       load_relaxed(&field.back->code) == -EOWNERDEAD &&
	       load_relaxed(&field.front->gen) == (uint32_t)ctl_gen(ctl);
}

bool flight_abandon(struct peer *p, uint32_t slot, uint64_t c)
{
	uint64_t over = ctl_make(slot_gen(p->map, c), 0, PHASE_IDLE, c);

	if (slot_kind(&p->map->slots[slot]) == SHM_LOCK)
		over |= lock_had_holder(c) ? LOCK_ORPHANED : 0;
	else if (flight_fails_if_lost(p->map, slot, c))
		over = ctl_with(c | CTL_FAILED, PHASE_FAILED, 0);
	return ctl_end(&p->map->slots[slot].ctl, c, over);
}

static void sweep_led(struct peer *v, uint32_t slot, uint64_t c, bool died)
{
	bool fails = flight_fails_if_lost(v->map, slot, c);
	uint32_t hash = history_hash(v->map, slot);

	if (died)
		flight_note_death(v, slot, c);
	if (flight_abandon(v, slot, c) && !died &&
	    slot_kind(&v->map->slots[slot]) == SHM_VALUE) {
		peer_count(v, fails ? COUNT_load_errs : COUNT_releases);
		history_rare(v, EVENT_abandoned, slot, hash, ctl_gen(c), 0);
	}
}

/*
 * Ends the flight of a slot in the making if the slot is linked, else frees it.
 */
static void sweep_making(struct peer *v, uint32_t slot, uint64_t c, bool died)
{
	struct shm_slot *s = &v->map->slots[slot];
	int in;

	do {
		epoch_enter(v);
		in = load_relaxed(&s->key_tag) ? table_contains(v, slot) : 0;
		epoch_leave(v);
	} while (in == -EAGAIN);
	if (in == 1) {
		sweep_led(v, slot, c, died);
		return;
	}
	/*
	 * The slot is in no chain. If V still owns it, it was never linked, and
	 * only this sweep can touch it. Else other participants have retired
	 * and unlinked it.
	 */
	if (load_seq(&s->ctl) == c)
		slot_unmake(v, slot, c);
}

static void sweep_owned(struct peer *v, uint32_t slot, uint64_t c, bool died)
{
	if (ctl_phase(c) == PHASE_MAKING)
		sweep_making(v, slot, c, died);
	else if (ctl_phase(c) == PHASE_BUSY)
		sweep_led(v, slot, c, died);
	else
		flight_yield(v, slot);
}

static void sweep_slot(struct peer *v, uint32_t slot, bool died)
{
	struct shm_slot *s = slot_at(v->map, slot);
	uint64_t c;

	if (!s)
		return;
	c = load_seq(&s->ctl);
	if (slot_kind(s) == SHM_SEMAPHORE && ctl_has(c))
		semaphore_sweep(v, slot, died);
	if (ctl_owner(c) == v->id)
		sweep_owned(v, slot, c, died);
	/*
	 * Wakes the waiters even if the victim does not own the slot: it may
	 * have died between ending its flight and waking them.
	 */
	event_wake(v->map, &v->map->cold[slot].event, true);
}

/*
 * MOVE-4: the dead V may have been giving a flight to another record. If that
 * record's owner was gone by then, nobody else knows that the record has the
 * slot.
 */
static void sweep_handed(struct peer *v)
{
	struct shm_participant *rec = v->record, *to;
	uint32_t slot = load_relaxed(&rec->handed_slot);
	struct shm_slot *s = slot ? slot_at(v->map, slot - 1) : NULL;
	uint64_t c = s ? load_seq(&s->ctl) : 0;

	if (s && slot_kind(s) == SHM_SEMAPHORE)
		permit_sweep_handed(v, slot - 1);

	to = s ? participant_at(v->map, ctl_owner(c) - 1) : NULL;
	if (to && (c & ~CTL_INVALID) == load_relaxed(&rec->handed) &&
	    load_acquire(&to->incarnation) != load_relaxed(&rec->handed_to)) {
		flight_abandon(v, slot - 1, c);
		event_wake(v->map, &v->map->cold[slot - 1].event, true);
	}
	store_relaxed(&rec->handed_slot, 0);
}

bool flight_note_stands(struct mapping *map, uint32_t id, uint32_t note)
{
	const struct shm_slot *s = slot_at(map, note - 1);

	return s && (ctl_owner(load_seq(&s->ctl)) == id ||
		     (slot_kind(s) == SHM_SEMAPHORE &&
		      semaphore_count_own(map, id, note - 1)));
}

bool flight_owns_noted(const struct peer *p)
{
	bool is = false;

	for (int i = 0; !is && i < SHM_OWNED; i++)
		is = flight_note_stands(p->map, p->id,
					load_relaxed(&p->record->owned[i]));
	return is;
}

static void sweep_noted(struct peer *v, bool died)
{
	struct shm_participant *rec = v->record;

	if (load_relaxed(&rec->owned_overflow)) {
		for (uint32_t i = 0; i < slots_used(v->map); i++)
			sweep_slot(v, i, died);
		store_relaxed(&rec->owned_overflow, 0);
	}
	for (int i = 0; i < SHM_OWNED; i++) {
		uint32_t noted = load_relaxed(&rec->owned[i]);

		if (noted)
			sweep_slot(v, noted - 1, died);
		store_relaxed(&rec->owned[i], 0);
	}
}

/*
 * As sweep_slot(), for a thread that stays attached. Returns whether the note
 * may be dropped. Leaves the flights, locks and permits of the process alone,
 * and a save, which has a file open.
 */
static bool give_back(struct peer *p, uint32_t slot, uint32_t *n)
{
	struct shm_slot *s = slot_at(p->map, slot);
	uint64_t c = s ? load_seq(&s->ctl) : 0;
	bool owned = ctl_busy(c) && ctl_owner(c) == p->id;

	if (s && slot_kind(s) == SHM_SEMAPHORE && ctl_phase(c) == PHASE_DONE)
		return permit_give_back_own(p, slot);

	if (owned &&
	    (flight_is_detached(p->map, slot, c) || slot_kind(s) == SHM_SAVE))
		return false;
	*n += owned;
	sweep_slot(p, slot, false);
	return true;
}

static uint32_t give_back_noted(struct peer *p)
{
	struct shm_participant *rec = p->record;
	bool over = load_relaxed(&rec->owned_overflow);
	uint32_t n = 0;

	/*
	 * The overflow stays set: another thread may have given this one a
	 * flight, or be about to.
	 */
	for (uint32_t i = 0; over && i < slots_used(p->map); i++)
		give_back(p, i, &n);
	for (int i = 0; i < SHM_OWNED; i++) {
		uint32_t noted = load_relaxed(&rec->owned[i]);

		if (noted && give_back(p, noted - 1, &n))
			store_relaxed(&rec->owned[i], 0);
	}
	return n;
}

uint32_t flight_give_back_all(struct peer *p)
{
	uint32_t n = p->permits;

	for (int i = 0; i < SHM_PINS; i++)
		n += load_relaxed(&p->record->pins[i]) != 0;
	pin_sweep(p);
	for (int i = 0; i < SHM_SHARED; i++)
		n += load_relaxed(&p->record->shared[i]) != 0;
	sharer_sweep(p);
	n += give_back_noted(p);
	p->permits = 0;
	p->ranks = 0;
	peer_renew(p);
	peer_rest();
	return n;
}

/*
 * Ends the participant's life before it gives anything back
 * (peer/liveness.h): from then on all others see that the owner is gone, even
 * while the sweeper holds the record's mutex. (A reaper has ended that life
 * before it locked the mutex.) A leaving participant gives the flights and
 * permits of its process to other records before its life ends.
 */
void flight_sweep(struct peer *v, bool died)
{
	struct shm_participant *rec = v->record;
	uint32_t waited = wait_slot(load_relaxed(&rec->wait));
	bool wake = waited && slot_at(v->map, waited - 1);

	if (!died) {
		detached_drop_end();
		flight_hand_over(v);
		permit_hand_over(v);
	}
	life_end(rec, load_relaxed(&rec->incarnation));
	kill_point(life_ended);
	/*
	 * ORDER-P7 pairs ORDER-P8
	 * If a thread has given V a flight, and has then seen V alive, the
	 * loads below see the overflow and the slot.
	 */
	fence_seq();
	store_release(&rec->epoch, 0);
	pin_sweep(v);
	sharer_sweep(v);
	polled_sweep(v->map, v->id);
	sweep_handed(v);
	sweep_noted(v, died);
	if (wake)
		event_wake(v->map, &v->map->cold[waited - 1].event, true);
	wait_unnote(rec);
	if (died) {
		peer_count(v, COUNT_reaps);
		history_rare(v, EVENT_reaped, HISTORY_NO_SLOT, 0, 0,
			     history_process(v, v->id));
	}
}
