/* SPDX-License-Identifier: MIT */
#include "top/moving.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/removal.h"
#include "store/owned.h"
#include "store/sharers.h"
#include "sync/lead.h"
#include "sync/semaphore.h"
#include "top/succession.h"

/* How long to sleep between checks for flights that are left. */
#define LOOK_AGAIN_NS (5 * NS_PER_MS)

static uint32_t kept_ms(struct field field)
{
	uint64_t ms = unscale_ms(load_relaxed(&field.back->keep));

	if (ms == UINT64_MAX)
		return SFSHM_FOREVER;
	return ms < SFSHM_FOREVER ? (uint32_t)ms : SFSHM_FOREVER - 1;
}

/*
 * Publishes the old segment's value in the flight `f` of the new one. The old
 * segment's value is the newest: while this thread leads `f`, no other caller
 * leads the key in either segment, unless a flight was under way in the old
 * one. If a caller forgets or purges the old value meanwhile, carry_over()
 * forgets the copy.
 */
static int carry_over(struct move *m, struct call *from, struct call *to,
		      struct flight *f)
{
	struct field field;
	struct sighting seen;
	struct iovec bytes;
	uint32_t ttl;
	int r;

	/*
	 * ORDER-T4 pairs ORDER-T3
	 * The old segment is marked as moved before look() reads the words of
	 * the value's tags in it. This thread has already read the new
	 * segment's clock (TAGGING-5).
	 */
	fence_seq();
	r = look(from, &seen);
	if (r != LOOK_HIT || ctl_busy(seen.ctl))
		return r < 0 ? r : -ENODATA;
	field = slot_value(m->old, seen.slot, seen.ctl);
	ttl = load_relaxed(&field.front->ttl_ms);
	f->ttl_ms = ttl;
	f->stored = front_stored(field.front);
	f->keep_ms = kept_ms(field);
	if (from->skip)
		memcpy(f->tagging.tag, from->tagging->tag,
		       sizeof(f->tagging.tag));
	bytes.iov_base = m->value.value.data;
	bytes.iov_len = m->value.value.len;
	r = flight_publish(f, m->to, &bytes, 1);
	if (r < 0)
		return r;
	/*
	 * ORDER-X2 pairs ORDER-X1
	 * This thread publishes in the new segment, then looks at the lifetime
	 * in the old one. A caller that invalidates softly ends the lifetime in
	 * the old segment, then looks for the value in the new one.
	 */
	fence_seq();
	if (load_relaxed(&field.front->ttl_ms) == ttl &&
	    slot_retire(m->from, seen.slot, seen.ctl))
		return 0;
	return flight_forget(to) ?: -ENODATA;
}

/*
 * Whether the error only means that this key stays behind: the new segment has
 * no room for it, or another caller uses the key there.
 */
static bool left_behind(int r)
{
	return r == -ENOSPC || r == -EMSGSIZE || r == -ENODATA ||
	       r == -ESTALE || r == -EBUSY || r == -EREMOTEIO || r == -ENOENT;
}

/*
 * Moves the mark that a lock's last holder died, so that the next holder learns
 * of the death. Leaves the lock in the new segment as if its holder had died
 * there.
 */
static int orphan_over(struct move *m, struct call *from,
		       const struct flight *f)
{
	/* flight_abandon() sets no mark in a word with LOCK_SHARED. */
	uint64_t mine = f->ctl | LOCK_ORPHANED;
	struct sighting seen;
	int r = look(from, &seen);

	if (cas_seq(&m->new->slots[f->slot].ctl, f->ctl, mine) &&
	    flight_abandon(m->to, f->slot, mine)) {
		event_wake(m->new, &m->new->cold[f->slot].event, true);
		owned_drop(m->to, f->slot);
	} else {
		flight_yield(m->to, f->slot);
	}
	if (r == LOOK_CLAIMABLE && seen.ctl & LOCK_ORPHANED)
		slot_retire(m->from, seen.slot, seen.ctl);
	return 0;
}

/*
 * The policy of each flight that moves a key. Its lease limits how long other
 * callers wait for this process if this process is stopped.
 */
static const struct sfshm_policy moving_policy = {
	.size = sizeof(moving_policy),
	.flags = SFSHM_KEEP,
	.lock_age_ms = 1000,
};

/* Moves a key's value or a lock's mark, unless the new segment uses the key. */
static int move_key(struct move *m, enum shm_kind kind, const uint8_t *key,
		    int len)
{
	struct sfshm_result there = SFSHM_RESULT_INIT;
	struct shm_tagging tagging;
	struct call from = {
		.self = m->from,
		.tagging = &tagging,
		.key = key_make(m->old, kind, key, (size_t)len),
		.result = &m->value,
		.policy = &moving_policy,
	};
	struct call to = {
		.self = m->to,
		.key = key_make(m->new, kind, key, (size_t)len),
		.result = &there,
		.policy = &moving_policy,
	};
	struct flight f;
	int r = flight_begin_moving(&to, &f);

	sfshm_result_clear(&there);
	if (r != SFSHM_LEADER)
		return r >= 0 || left_behind(r) ? 0 : r;
	if (kind == SHM_LOCK)
		return orphan_over(m, &from, &f);
	r = carry_over(m, &from, &to, &f);
	if (flight_open(&f))
		(void)flight_end_somehow(&f, m->to, 0, NULL);
	if (!r)
		m->moved++;
	return left_behind(r) ? 0 : r;
}

static bool to_be_moved(enum shm_kind kind, uint64_t ctl)
{
	switch (kind) {
	case SHM_VALUE:
	case SHM_SEMAPHORE:
	case SHM_SAVE: return ctl_has(ctl);
	case SHM_LOCK: return ctl & LOCK_ORPHANED;
	default: return false;
	}
}

/*
 * Moves a semaphore's maximum, but not its permits: a thread that takes a
 * permit checks it in both segments until the old segment is drained. Wakes the
 * threads that wait for a permit in the old segment, so that they find the
 * successor.
 */
static int move_semaphore(struct move *m, uint32_t slot, const uint8_t *key,
			  int len)
{
	struct sfshm_result there = SFSHM_RESULT_INIT;
	struct call to = {
		.self = m->to,
		.key = key_make(m->new, SHM_SEMAPHORE, key, (size_t)len),
		.result = &there,
		.policy = &moving_policy,
	};
	struct shm_semaphore head;
	struct semaphore s;
	struct iovec iov[2];
	struct flight f;
	int r;

	if (!semaphore_at(m->old, slot, &s))
		return 0;
	r = flight_begin_moving(&to, &f);
	sfshm_result_clear(&there);
	if (r == SFSHM_LEADER) {
		f.ttl_ms = SFSHM_FOREVER;
		semaphore_fresh(&head, semaphore_max(&s), iov);
		r = flight_publish(&f, m->to, iov, 2);
		if (flight_open(&f))
			(void)flight_end_somehow(&f, m->to, 0, NULL);
	}
	event_wake(m->old, &m->old->cold[slot].event, true);
	return r >= 0 || left_behind(r) ? 0 : r;
}

/*
 * Reads a slot's key. Returns the key's length, or 0: the slot has nothing to
 * move, or has changed meanwhile.
 */
static int key_at(struct move *m, uint32_t slot, enum shm_kind *kind,
		  uint8_t *key)
{
	struct shm_slot *s = &m->old->slots[slot];
	uint64_t ctl = load_seq(&s->ctl);
	int n;

	*kind = slot_kind(s);
	if (!ctl_at_rest(ctl) || !to_be_moved(*kind, ctl) ||
	    (*kind == SHM_LOCK && sharers_count(m->old, slot)))
		return 0;
	n = key_load(m->old, s, key);
	fence_acquire();
	return load_seq(&s->ctl) == ctl ? n : 0;
}

static int move_values(struct move *m)
{
	uint32_t used = slots_used(m->old);
	uint8_t key[SFSHM_KEY_MAX];

	for (uint32_t i = 0; i < used; i++) {
		enum shm_kind kind;
		int n = key_at(m, i, &kind, key);
		int r = 0;

		if (n > 0)
			r = kind == SHM_SEMAPHORE ?
				    move_semaphore(m, i, key, n) :
				    move_key(m, kind, key, n);
		if (r)
			return r;
		if (m->progress && i % 4096 == 0)
			m->progress(m->moved, 0, m->arg);
	}
	return 0;
}

static int wait_for_flights(struct move *m)
{
	struct timespec nap = { .tv_nsec = LOOK_AGAIN_NS };
	uint64_t left;

	peer_examine_all(m->old);
	while ((left = succession_under_way(m->old))) {
		if (m->progress)
			m->progress(m->moved, left, m->arg);
		if (m->deadline && sys.now() >= m->deadline)
			return -ETIMEDOUT;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		peer_examine_all(m->old);
	}
	return 0;
}

int move_all(struct move *m)
{
	/* A removed segment's values are lost; its flights are waited for. */
	bool keep = !removal_known(m->old);
	int r = keep ? move_values(m) : 0;

	if (!r)
		r = wait_for_flights(m);
	if (!r && keep)
		r = move_values(m);
	return r;
}

void move_clear(struct move *m)
{
	sfshm_result_clear(&m->value);
}
