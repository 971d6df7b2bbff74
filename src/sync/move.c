/* SPDX-License-Identifier: MIT */
#include "sync/move.h"

#include "os/killpoint.h"
#include "peer/liveness.h"
#include "peer/wait.h"
#include "store/owned.h"

void flight_detach(const struct flight *f, struct peer *p)
{
	uint64_t *started = &p->map->cold[f->slot].started;

	/* As ORDER-B1. The owner may write the word at any moment. */
	store_release(started, load_relaxed(started) | STARTED_DETACHED);
}

/* MOVE-5 */
static void tell_followers(struct peer *p, uint32_t slot)
{
	uint32_t *event = &p->map->cold[slot].event;

	if (unlikely(event_awaited(event)))
		event_wake(p->map, event, true);
}

/* MOVE-6: tells the thread whose record is `id` to let go of stolen flights. */
static void tell_robbed(const struct peer *p, uint32_t id)
{
	pthread_mutex_lock(&peer_lock);
	for (struct peer *q = peer_list; q; q = q->next_here)
		if (q->map == p->map && q->id == id)
			store_relaxed(&q->robbed, 1);
	pthread_mutex_unlock(&peer_lock);
}

/* Whether the word is that of flight `gen`, in any record. */
static bool is_flight(uint64_t ctl, uint64_t gen)
{
	return ctl_phase(ctl) == PHASE_BUSY && ctl_gen(ctl) == gen;
}

/* The flight is in P's record, with this word. */
static bool moved(struct flight *f, uint64_t ctl)
{
	store_relaxed(&f->ctl, ctl);
	f->invalidated |= ctl_invalid(ctl);
	return true;
}

bool flight_move(struct flight *f, struct peer *p)
{
	uint64_t *ctl = &p->map->slots[f->slot].ctl;
	uint64_t gen = ctl_gen(f->ctl), c = load_seq(ctl);

	/* As a rule the flight is as this thread has begun it. */
	if (likely(c == f->ctl && ctl_owner(c) == p->id))
		return true;
	if (is_flight(c, gen) && ctl_owner(c) == p->id)
		return moved(f, c);
	owned_note(p, f->slot);
	for (; is_flight(c, gen); c = load_seq(ctl)) {
		if (!cas_seq(ctl, c, ctl_owned_by(c, p->id)))
			continue;
		kill_point(flight_moved);
		tell_followers(p, f->slot);
		return moved(f, ctl_owned_by(c, p->id));
	}
	owned_drop(p, f->slot);
	/*
	 * If the flight was stolen, the slot stays with the record that had the
	 * flight: this one, or another of the process.
	 */
	if (ctl_gen(c) == gen && ctl_owner(c) == p->id)
		slot_yield(p, f->slot);
	else if (ctl_gen(c) == gen)
		tell_robbed(p, ctl_owner(c));
	return false;
}

void flight_let_go(struct peer *p)
{
	const struct shm_participant *rec = p->record;
	bool all = load_relaxed(&rec->owned_overflow);
	uint32_t n = all ? slots_used(p->map) : SHM_OWNED;

	store_relaxed(&p->robbed, 0);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = all ? i : load_relaxed(&rec->owned[i]) - 1;

		if (slot_at(p->map, slot))
			slot_yield(p, slot);
	}
}

bool move_is_there(const struct peer *q)
{
	uint32_t word;

	return !life_proven_dead(q->map, q->record, &word) &&
	       life_number(load_acquire(&q->record->incarnation)) ==
		       q->incarnation;
}

/*
 * Moves one flight from P to Q. True: Q has the flight, or P has lost it.
 * False: P still has it, because an invalidator has marked it; or P has it
 * again, because Q is gone.
 */
static bool give(struct peer *p, struct peer *q, uint32_t slot, uint64_t c)
{
	struct shm_participant *rec = p->record;
	uint64_t *ctl = &p->map->slots[slot].ctl;
	uint64_t given = ctl_owned_by(c, q->id);

	store_relaxed(&rec->handed_slot, 0);
	compiler_barrier();
	store_relaxed(&q->record->owned_overflow, 1);
	store_relaxed(&rec->handed, given & ~CTL_INVALID);
	store_relaxed(&rec->handed_to, 2 * q->incarnation - 1);
	compiler_barrier();
	store_relaxed(&rec->handed_slot, slot + 1);
	if (!cas_seq(ctl, c, given))
		return !is_flight(load_seq(ctl), ctl_gen(c)) ||
		       ctl_owner(load_seq(ctl)) != p->id;
	/*
	 * ORDER-P8 pairs ORDER-P7
	 * If the look below finds Q alive, a reaper of Q that comes later sees
	 * the overflow and the slot.
	 */
	fence_seq();
	kill_point(flight_handed);
	if (likely(move_is_there(q)))
		return true;
	do {
		c = load_seq(ctl);
		if (!is_flight(c, ctl_gen(given)) || ctl_owner(c) != q->id)
			return true;
	} while (!cas_seq(ctl, c, ctl_owned_by(c, p->id)));
	return false;
}

struct peer *move_receiver(const struct peer *p, struct peer *from)
{
	while (from && (from == p || from->map != p->map ||
			from->cookie != p->cookie || !move_is_there(from)))
		from = from->next_here;
	return from;
}

/* Whether P owns a flight of the process at the slot; then *ctl is its word. */
static bool owns(const struct peer *p, uint32_t slot, uint64_t *ctl)
{
	*ctl = load_seq(&p->map->slots[slot].ctl);
	return ctl_phase(*ctl) == PHASE_BUSY && ctl_owner(*ctl) == p->id &&
	       flight_is_detached(p->map, slot, *ctl);
}

/* Called with peer_lock held. */
static void hand_over_slot(struct peer *p, uint32_t slot)
{
	struct peer *q = NULL;
	uint64_t c;

	while (owns(p, slot, &c)) {
		q = move_receiver(p, q ? q : peer_list);
		if (!q)
			return;
		if (give(p, q, slot, c))
			tell_followers(p, slot);
	}
}

void flight_hand_over(struct peer *p)
{
	struct shm_participant *rec = p->record;
	bool all = load_relaxed(&rec->owned_overflow);
	uint32_t n = all ? slots_used(p->map) : SHM_OWNED;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = all ? i : load_relaxed(&rec->owned[i]) - 1;
		uint64_t ctl;

		if (!slot_at(p->map, slot) || !owns(p, slot, &ctl))
			continue;
		pthread_mutex_lock(&peer_lock);
		hand_over_slot(p, slot);
		pthread_mutex_unlock(&peer_lock);
	}
	compiler_barrier();
	store_relaxed(&rec->handed_slot, 0);
}
