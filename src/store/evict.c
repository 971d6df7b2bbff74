/* SPDX-License-Identifier: MIT */
#include "store/evict.h"

#include <errno.h>
#include <sched.h>

#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/wait.h"
#include "segment/reserve.h"
#include "store/history.h"
#include "store/limbo.h"
#include "store/probation.h"
#include "store/sharers.h"

/* Free slots are scarce if fewer than one slot in SCARCE is free. */
#define SCARCE 128
/*
 * How many slots a caller looks at for a free one before it evicts a value: if
 * one slot in n is free, PATIENT * n slots; if free slots are scarce, HASTY
 * slots, so that it mostly evicts.
 */
#define PATIENT 16
#define HASTY 4
/* An evictor for memory frees one granule in EXTRA beside those wanted. */
#define EXTRA 64
/* How many slots the expiry hand looks at for one that serves nobody. */
#define EXPIRY_REACH 32
/* How many slots on probation a batch of evictions judges at most. */
#define JUDGED (2 * PEER_LIMBO)
/* How long an evictor goes on while the epoch does not move. */
#define PATIENCE_NS (200 * NS_PER_MS)

static uint32_t advance_hand(uint32_t *hand, uint32_t used)
{
	return used ? fetch_add_relaxed(hand, 1) % used : 0;
}

/*
 * Idle slots that must not be evicted: a semaphore; a lock that threads may
 * hold shared; and a lock or a save whose last owner died, until a caller has
 * learned of the death or nothing else can go. A save with an earlier file may
 * go: while that file serves, no caller leads the key, so the slot might wait
 * for very long until one learns of the death.
 */
static bool must_stay(const struct shm_slot *s, uint64_t ctl, bool last_resort)
{
	switch (slot_kind(s)) {
	case SHM_SEMAPHORE: return true;
	case SHM_LOCK:
		return ctl & LOCK_SHARED ||
		       (ctl & LOCK_ORPHANED && !last_resort);
	case SHM_SAVE:
		return !ctl_has(ctl) && load_relaxed(&s->deaths) &&
		       !last_resort;
	default: return false;
	}
}

/* Whether the slot's results serve nobody, and it was not read lately. */
static bool expired(const struct mapping *map, uint32_t slot, uint64_t ctl,
		    uint64_t now)
{
	struct field value = slot_value(map, slot, ctl);
	struct field error = slot_other(map, slot, ctl);

	return !(load_relaxed(&map->slots[slot].recent) & RECENT_CREDIT) &&
	       !(ctl_has(ctl) && field_serves(value, now)) &&
	       !(ctl_phase(ctl) == PHASE_FAILED &&
		 front_fresh(error.front, now));
}

/* An evictor wants a slot, or value memory from any slots. */
struct want {
	uint32_t granules; /* 0: a slot is wanted */
	uint32_t retired;  /* granules of the slots retired for it */
	uint32_t slot;
	uint64_t ctl;
	bool last_resort; /* nothing else can go: see must_stay() */
};

static uint32_t memory_of(const struct mapping *map, uint32_t slot)
{
	const struct shm_slot *s = &map->slots[slot];
	uint32_t n = 0;

	for (int i = 0; i < 2; i++) {
		const struct shm_back *back = &map->cold[slot].back[i];

		if (load_relaxed(&back->ref))
			n += granules_for(load_relaxed(&back->len));
	}
	if (slot_key_len(s) > SHM_INLINE_KEY)
		n += granules_for(slot_key_len(s));
	return n;
}

static bool retire(struct peer *p, struct want *w, uint32_t slot, uint64_t ctl,
		   enum shm_counter why)
{
	uint32_t memory = memory_of(p->map, slot);
	uint32_t hash = history_hash(p->map, slot);

	if ((w->granules && !memory) || !slot_retire(p, slot, ctl))
		return false;
	peer_count(p, why);
	if (why == COUNT_evictions)
		history_evicted(p, slot, hash, ctl_gen(ctl));
	/* A slot whose chain or key is damaged cannot leave its chain. */
	if (ctl_phase(load_seq(&p->map->slots[slot].ctl)) == PHASE_RETIRED)
		return false;
	w->retired += memory;
	return true;
}

/* Reaps the owner of a slot that a hand meets, if the owner is dead. */
static void reap_owner(struct peer *p, uint64_t ctl)
{
	uint32_t index = ctl_owner(ctl) - 1;
	struct shm_participant *owner = participant_at(p->map, index);
	uint32_t word;

	if (owner && owner != p->record &&
	    life_proven_dead(p->map, owner, &word))
		peer_reap(p->map, index);
}

/* SHARE-5: evicts a lock that threads may hold shared, if none does. */
static bool evict_unshared(struct peer *p, struct want *w, uint32_t slot,
			   uint64_t ctl)
{
	bool useful = !w->granules || memory_of(p->map, slot);
	bool owed = ctl & LOCK_ORPHANED && !w->last_resort;

	return useful && !owed && sharers_close(p->map, slot, &ctl) &&
	       retire(p, w, slot, ctl, COUNT_evictions);
}

/*
 * Handles a slot that a hand meets, and that is not at rest. True if it comes
 * free soon: its key is gone, and nobody owns it.
 */
static bool pick_up(struct peer *p, struct want *w, uint32_t slot, uint64_t ctl)
{
	if (ctl_phase(ctl) == PHASE_RETIRED) {
		slot_unlink(p, slot, ctl);
		ctl = load_seq(&p->map->slots[slot].ctl);
	}
	if (ctl_owner(ctl)) {
		reap_owner(p, ctl);
		return false;
	}
	/* A damaged slot has no stamp, and never comes free. */
	if (!slot_is_stamped(p->map, slot, ctl) &&
	    (w->granules || ctl_phase(ctl) != PHASE_FREE))
		return false;
	if (w->granules && !memory_of(p->map, slot))
		return false;
	w->retired += memory_of(p->map, slot);
	slot_remember(p, slot);
	return true;
}

/*
 * Finds a slot that serves nobody: its results have expired, or its key is
 * gone.
 */
static bool find_useless(struct peer *p, struct want *w, uint32_t used)
{
	uint32_t *hand = &p->map->header->expiry_hand;
	uint64_t now = peer_clock(p, sys.coarse());

	for (uint32_t n = 0; n < EXPIRY_REACH && n < used; n++) {
		uint32_t slot = advance_hand(hand, used);
		struct shm_slot *s = &p->map->slots[slot];
		uint64_t ctl = load_seq(&s->ctl);

		if (!ctl_at_rest(ctl)) {
			if (pick_up(p, w, slot, ctl))
				return true;
		} else if (expired(p->map, slot, ctl, now) &&
			   !must_stay(s, ctl, w->last_resort) &&
			   retire(p, w, slot, ctl, COUNT_expirations)) {
			return true;
		}
	}
	return false;
}

/*
 * Ends a slot's probation. True if the slot goes (PROBATION-T5), else it joins
 * the others (PROBATION-T4, PROBATION-T6).
 */
static bool judge(struct peer *p, struct want *w, uint32_t slot)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint8_t credit = load_relaxed(&s->recent) & RECENT_CREDIT;
	uint32_t hash = load_relaxed(&s->hash);
	uint64_t ctl = load_seq(&s->ctl);

	if (credit < MOST_CREDIT && ctl_at_rest(ctl) &&
	    !must_stay(s, ctl, w->last_resort) &&
	    retire(p, w, slot, ctl, COUNT_evictions)) {
		probation_failed(p->map, hash);
		return true;
	}
	store_relaxed(&s->recent, credit < MOST_CREDIT ? credit : 0);
	return false;
}

/*
 * Whether the evicting hand passes over the slot, which is at rest: for the
 * slot's reads, or once because the slot is on probation (PROBATION-3).
 */
static bool spare(struct shm_slot *s)
{
	uint8_t recent = load_relaxed(&s->recent);
	uint8_t then = recent & RECENT_CREDIT;

	if (recent & RECENT_TRIAL && !(recent & RECENT_PASSED))
		then = recent | RECENT_PASSED; /* PROBATION-T7 */
	else if (then)
		then--; /* perhaps PROBATION-T8 */
	else
		return false;
	store_relaxed(&s->recent, then);
	return true;
}

/* Handles a slot that the evicting hand meets. True if the slot goes. */
static bool visit(struct peer *p, struct want *w, uint32_t slot)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t ctl = load_seq(&s->ctl);

	if (!ctl_at_rest(ctl))
		return pick_up(p, w, slot, ctl);
	if (unlikely(slot_kind(s) == SHM_LOCK && ctl & LOCK_SHARED))
		return evict_unshared(p, w, slot, ctl);
	if (must_stay(s, ctl, w->last_resort) || spare(s))
		return false;
	return retire(p, w, slot, ctl, COUNT_evictions);
}

/*
 * Ends the probation of one slot after another, until `most` of them go, or
 * until those that go have `enough` granules. Stops before that if fewer slots
 * are left on probation than should be, or after JUDGED slots. If memory is
 * wanted, takes one entry at a time, because a batch might free much more than
 * enough. Returns how many slots go.
 */
static uint32_t judge_some(struct peer *p, struct want *w, uint32_t most,
			   uint32_t enough)
{
	uint32_t left = JUDGED, got = 0, place, slot, n;

	while (got < most && w->retired < enough && left) {
		n = w->granules ? 1 : most - got;
		n = probation_take(p->map, n < left ? n : left, &place);
		if (!n)
			break;
		left -= n;
		for (; n; n--, place++)
			if (probation_at(p->map, place, &slot))
				got += judge(p, w, slot);
	}
	return got;
}

/*
 * Retires a batch of slots; if memory is wanted, only until they have enough of
 * it. False if the hand found none in all its rounds.
 */
static bool evict_batch(struct peer *p, struct want *w)
{
	struct mapping *map = p->map;
	uint32_t used = slots_used(map);
	uint32_t most = 1 + used / 64, got = 0;
	uint64_t visits = (uint64_t)used * (MOST_CREDIT + 2) + 1;
	uint32_t enough = UINT32_MAX;

	if (most > PEER_LIMBO)
		most = PEER_LIMBO;
	if (w->granules)
		enough = w->granules + map->geometry.granules / EXTRA;
	w->retired = 0;
	probation_credit(map);
	while (got < most && w->retired < enough && find_useless(p, w, used))
		got++;
	got += judge_some(p, w, most - got, enough);
	while (got < most && w->retired < enough && visits--)
		got += visit(p, w, advance_hand(&map->header->slot_hand, used));
	return got > 0;
}

static bool take_remembered(struct peer *p, struct want *w)
{
	return limbo_take(p, w->granules, &w->slot, &w->ctl);
}

/* Called when nothing is left to evict: the dead may own something. */
static bool reap_the_dead(struct mapping *map)
{
	peer_examine_all(map);
	return peer_reap_all(map) > 0;
}

/* How long the evictor has waited for an epoch to move. */
struct patience {
	uint64_t epoch; /* the one that does not move */
	uint64_t until; /* ns; 0: the evictor has not waited yet */
};

/*
 * Lets a grace period pass. Returns 0 while the epoch moves: other threads may
 * get the slots that come free, but the evictor's turn comes. Returns -ENOSPC
 * if the epoch has stood still for PATIENCE_NS. That is rare, because an
 * evictor soon expels a reader that is behind.
 */
static int await_grace(struct peer *p, struct patience *w)
{
	uint64_t epoch = load_relaxed(&p->map->header->epoch);

	if (limbo_advance(p))
		return 0;
	if (epoch != w->epoch || !w->until)
		w->until = sys.now() + PATIENCE_NS;
	else if (sys.now() > w->until)
		return -ENOSPC;
	w->epoch = epoch;
	sched_yield();
	return 0;
}

/*
 * Called after a whole round found nothing to evict. Reaps the dead, which may
 * own something. Returns 1 if memory is wanted and the reap may have freed
 * some, or 0 for another round. If nobody was dead, the next round may take
 * slots that should stay (last_resort); if the last round could do so already,
 * returns -ENOSPC.
 */
static int look_further(struct peer *p, struct want *w)
{
	bool reaped = reap_the_dead(p->map);

	if (reaped && w->granules)
		return 1;
	if (!reaped && w->last_resort)
		return -ENOSPC;
	w->last_resort = !reaped;
	return 0;
}

/*
 * Makes a slot, or memory, free. Advances the epoch only if no remembered slot
 * is ready.
 */
static int make_free(struct peer *p, struct want *w)
{
	struct patience patience = { 0 };
	int r = 0;

	while (!r && !take_remembered(p, w)) {
		if (limbo_waits(p) || evict_batch(p, w))
			r = await_grace(p, &patience);
		else
			r = look_further(p, w);
	}
	return r < 0 ? r : 0;
}

/* How many slots to look at for a free one. */
static uint32_t most_probes(const struct mapping *map, uint32_t used)
{
	int32_t some = load_relaxed(&map->header->slots_free);

	if (some <= 0)
		return 0;
	if ((uint32_t)some < used / SCARCE)
		return HASTY;
	return PATIENT * (1 + used / (uint32_t)some);
}

static bool probe(struct peer *p, struct want *w)
{
	struct mapping *map = p->map;
	uint32_t used = slots_used(map);

	for (uint32_t n = used ? most_probes(map, used) : 0; n; n--) {
		w->slot = advance_hand(&map->header->free_hand, used);
		w->ctl = load_seq(&map->slots[w->slot].ctl);
		if (ctl_phase(w->ctl) == PHASE_FREE)
			return true;
	}
	return false;
}

/*
 * Finds a free slot: one that this peer has retired, or one near the free hand.
 * If there is none, but slots are left that were never in use, ends the grace
 * periods of the slots that this peer has retired; if it cannot, brings new
 * slots into use. If none are left, frees a slot.
 */
static int find_free(struct peer *p, struct want *w)
{
	struct mapping *map = p->map;
	uint32_t used;

	while (!take_remembered(p, w) && !probe(p, w)) {
		used = slots_used(map);
		if (used < map->geometry.slots && limbo_waits(p) &&
		    limbo_advance(p))
			continue;
		if (used == map->geometry.slots || grow_slots(map, used))
			return used ? make_free(p, w) : -ENOSPC;
	}
	return 0;
}

int evict_for_slot(struct peer *p, uint32_t *slot, uint64_t *ctl)
{
	struct want w = { 0 };
	int r;

	do {
		r = find_free(p, &w);
		if (!r)
			r = slot_take(p, w.slot, w.ctl, ctl);
	} while (r == -EAGAIN);
	*slot = w.slot;
	return r;
}

int evict_for_memory(struct peer *p, uint32_t granules)
{
	struct want w = { .granules = granules };

	return slots_used(p->map) ? make_free(p, &w) : -ENOSPC;
}
