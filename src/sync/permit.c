/* SPDX-License-Identifier: MIT */
#include "sync/permit.h"

#include "os/killpoint.h"
#include "store/owned.h"
#include "sync/move.h"

/*
 * Counts the permits that any thread of this process may give back. The count
 * may be a little too high, but never too low.
 */
static uint32_t listed;

/* Finds the peer whose permits have that word. Called with peer_lock held. */
static struct peer *holder_of(const struct mapping *map, uint32_t name)
{
	struct peer *q = peer_list;

	while (q && (q->map != map || permit_lent(q) != name))
		q = q->next_here;
	return q;
}

static void count_lent(struct peer *p, uint32_t n)
{
	store_relaxed(&p->lent, load_relaxed(&p->lent) + n);
}

void permit_detach(struct peer *p, const struct semaphore *s, uint32_t *word,
		   uint64_t number, struct detached *d)
{
	permit_trim_if_due(p);
	d->serial = p->map->serial;
	d->ctl = s->ctl;
	d->slot = s->slot;
	d->word = word;
	d->name = permit_lent(p);
	fetch_add_relaxed(&listed, 1);
	pthread_mutex_lock(&peer_lock);
	count_lent(p, 1);
	p->permits--;
	/* DEADLOCK-6: before this thread waits for anything. */
	cas_seq(word, permit_name(p->id, p->incarnation), d->name);
	detached_open(number, d);
	pthread_mutex_unlock(&peer_lock);
}

/*
 * PERMIT-2: sets the word back, if it is as the entry says. The caller has
 * claimed the entry (PERMIT-3).
 */
static bool set_back(const struct peer *p, uint64_t number,
		     const struct detached *d)
{
	struct peer *holder;
	uint32_t name;
	bool is;

	pthread_mutex_lock(&peer_lock);
	name = detached_name(number);
	is = cas_seq(d->word, name, 0);
	detached_rename(number, 0);
	holder = is ? holder_of(p->map, name) : NULL;
	if (holder) {
		count_lent(holder, -1u);
		if (holder != p)
			store_relaxed(&holder->surplus, 1);
	}
	pthread_mutex_unlock(&peer_lock);
	return is;
}

/*
 * Whether the permit's word is P's, so that P's record notes the slot already,
 * or has `owned_overflow` set. The word stays P's until P's own thread leaves:
 * the caller is that thread, and has claimed the entry.
 */
static bool is_own(const struct peer *p, uint64_t number)
{
	uint32_t name;

	pthread_mutex_lock(&peer_lock);
	name = detached_name(number);
	pthread_mutex_unlock(&peer_lock);
	return name == permit_lent(p);
}

int permit_end(struct peer *p, uint64_t number, const struct detached *d)
{
	bool own = is_own(p, number), mine;

	/* PERMIT-1 */
	if (!own)
		owned_note(p, d->slot);
	wait_rest(p);
	/* ORDER-V3 pairs ORDER-V4 */
	fence_seq();
	mine = load_acquire(&p->map->slots[d->slot].ctl) == d->ctl &&
	       set_back(p, number, d);
	fetch_add_relaxed(&listed, -1u);
	if (!mine) {
		if (!own)
			owned_drop(p, d->slot);
		return -ESTALE;
	}
	semaphore_freed(p, d->slot);
	return 0;
}

/*
 * PERMIT-4: moves a permit from P to Q. False: P has it again, because Q is
 * gone. True: Q has it, or P has lost it.
 */
static bool give(struct peer *p, struct peer *q, uint64_t number,
		 const struct detached *d)
{
	struct shm_participant *rec = p->record;
	uint32_t from = permit_lent(p), to = permit_lent(q);

	store_relaxed(&rec->handed_slot, 0);
	compiler_barrier();
	store_relaxed(&q->record->owned_overflow, 1);
	store_relaxed(&rec->handed, (uint64_t)to << 32);
	store_relaxed(&rec->handed_to, 2 * q->incarnation - 1);
	compiler_barrier();
	store_relaxed(&rec->handed_slot, d->slot + 1);
	if (!cas_seq(d->word, from, to))
		return true;
	/*
	 * ORDER-P8 pairs ORDER-P7
	 * As in give() of sync/move.c.
	 */
	fence_seq();
	kill_point(permit_handed);
	if (unlikely(!move_is_there(q)))
		return !cas_seq(d->word, to, from);
	detached_rename(number, to);
	count_lent(q, 1);
	return true;
}

/* Called with peer_lock held. */
static void hand_over(struct peer *p, uint64_t number, const struct detached *d)
{
	struct peer *q = move_receiver(p, peer_list);

	while (q && !give(p, q, number, d))
		q = move_receiver(p, q->next_here);
	/* Waiters sleep on the words of the holders that they know. */
	if (q && event_awaited(&p->map->cold[d->slot].event))
		event_wake(p->map, &p->map->cold[d->slot].event, true);
}

void permit_hand_over(struct peer *p)
{
	struct detached d;
	uint64_t number;
	uint32_t at = 0;

	if (likely(!load_relaxed(&listed)))
		return;
	pthread_mutex_lock(&peer_lock);
	while ((number = detached_next_permit(p->map, permit_lent(p), &at, &d)))
		hand_over(p, number, &d);
	pthread_mutex_unlock(&peer_lock);
	compiler_barrier();
	store_relaxed(&p->record->handed_slot, 0);
}

void permit_sweep_handed(const struct peer *v, uint32_t slot)
{
	const struct shm_participant *rec = v->record;
	uint32_t name = (uint32_t)(load_relaxed(&rec->handed) >> 32);
	const struct shm_participant *to =
		participant_at(v->map, permit_holder(name) - 1);

	if (!(name & PERMIT_DETACHED) || !to ||
	    load_acquire(&to->incarnation) == load_relaxed(&rec->handed_to))
		return;
	semaphore_sweep_name(v, slot, name);
	event_wake(v->map, &v->map->cold[slot].event, true);
}

static uint32_t notes_of(const struct peer *p, uint32_t slot)
{
	uint32_t n = 0;

	for (int i = 0; i < SHM_OWNED; i++)
		n += load_relaxed(&p->record->owned[i]) == slot + 1;
	return n;
}

bool permit_give_back_own(struct peer *p, uint32_t slot)
{
	uint32_t lent = semaphore_sweep_own(p, slot);

	event_wake(p->map, &p->map->cold[slot].event, true);
	return notes_of(p, slot) > lent;
}

void permit_trim(struct peer *p)
{
	store_relaxed(&p->surplus, 0);
	for (int i = 0; i < SHM_OWNED; i++) {
		uint32_t note = load_relaxed(&p->record->owned[i]);
		const struct shm_slot *s = slot_at(p->map, note - 1);

		if (note && s && slot_kind(s) == SHM_SEMAPHORE &&
		    notes_of(p, note - 1) >
			    semaphore_count_own(p->map, p->id, note - 1))
			owned_drop(p, note - 1);
	}
}
