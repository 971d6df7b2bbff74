/* SPDX-License-Identifier: MIT */
/* Finding a semaphore, taking its permits and giving them back. */
#include "sync/semaphore.h"

#include <errno.h>

#include "os/killpoint.h"
#include "peer/liveness.h"
#include "store/owned.h"

/*
 * Finds the granules of the value at `ref`. False: it is no semaphore's value.
 */
static bool resolve(struct semaphore *s, uint32_t ref)
{
	const struct mapping *map = s->map;
	uint32_t n = 0;

	if (!arena_is_live(map, s->slot, ref))
		return false;
	ref = arena_head(ref);
	while (ref && n < SEMAPHORE_GRANULES) {
		uint64_t *tag = tag_at(map, ref);

		if (!tag)
			return false;
		s->granule[n++] = granule_at(map, ref - 1);
		ref = tag_next(load_relaxed(tag));
	}
	return n == SEMAPHORE_GRANULES && !ref;
}

bool semaphore_at(struct mapping *map, uint32_t slot, struct semaphore *s)
{
	struct shm_slot *at = slot_at(map, slot);
	const struct shm_back *back;

	if (!at)
		return false;
	s->map = map;
	s->slot = slot;
	s->before = NULL;
	s->ctl = load_seq(&at->ctl);
	back = slot_value(map, slot, s->ctl).back;
	return slot_kind(at) == SHM_SEMAPHORE &&
	       ctl_phase(s->ctl) == PHASE_DONE && ctl_has(s->ctl) &&
	       load_relaxed(&back->len) == SEMAPHORE_BYTES &&
	       resolve(s, load_relaxed(&back->ref)) && semaphore_stands(s);
}

static int find_in_section(struct peer *p, const struct key *k,
			   struct semaphore *s)
{
	struct sighting seen;
	int r = table_find(p, k, &seen);

	if (r != 1 || ctl_phase(seen.ctl) != PHASE_DONE)
		return r < 0 ? r : 0;
	/* The word is the same, so this is the slot whose key was compared. */
	if (semaphore_at(p->map, seen.slot, s) && s->ctl == seen.ctl)
		return 1;
	return load_seq(&p->map->slots[seen.slot].ctl) != seen.ctl ||
			       epoch_expelled(p) ?
		       -EAGAIN :
		       -EBADMSG;
}

static bool is_removed(const struct semaphore *s)
{
	return load_seq(&semaphore_head(s)->max) & SEMAPHORE_REMOVED;
}

int semaphore_find(struct peer *p, const struct key *k, struct semaphore *s)
{
	int r;

	do {
		epoch_enter(p);
		r = find_in_section(p, k, s);
		epoch_leave(p);
		if (r == 1 && unlikely(is_removed(s))) {
			slot_retire(p, s->slot, s->ctl);
			r = -EAGAIN;
		}
	} while (r == -EAGAIN);
	if (r == -EBADMSG)
		peer_count(p, COUNT_corrupt);
	return r;
}

void semaphore_fresh(struct shm_semaphore *head, uint32_t max,
		     struct iovec iov[2])
{
	static const uint32_t words[SHM_PERMITS];

	*head = (struct shm_semaphore){ .max = max };
	iov[0].iov_base = head;
	iov[0].iov_len = sizeof(*head);
	iov[1].iov_base = (void *)(uintptr_t)words;
	iov[1].iov_len = sizeof(words);
}

uint32_t *semaphore_word(const struct semaphore *s, uint32_t i)
{
	uint32_t *words = s->granule[1 + i / SEMAPHORE_WORDS_PER_GRANULE];

	return words + i % SEMAPHORE_WORDS_PER_GRANULE;
}

uint32_t semaphore_max(const struct semaphore *s)
{
	uint64_t max = load_seq(&semaphore_head(s)->max) & SEMAPHORE_MAX;

	return max < SHM_PERMITS ? (uint32_t)max : SHM_PERMITS;
}

/* Whether permit `i` is held here, or still in the predecessor. */
static bool is_held(const struct semaphore *s, uint32_t i)
{
	return load_seq(semaphore_word(s, i)) ||
	       (s->before && load_seq(semaphore_word(s->before, i)));
}

/* No word from this number on was ever taken, here or in the predecessor. */
static uint32_t top_of_both(const struct semaphore *s)
{
	uint32_t here = semaphore_top(s);
	uint32_t there = s->before ? semaphore_top(s->before) : 0;

	return here > there ? here : there;
}

/*
 * Finds L of SEMAPHORE-2, from `top` down. With each step down, f falls by one
 * if that word is free, and stays the same if the word is held.
 *
 * ORDER-V1 pairs ORDER-V2
 * This taker reads max before `top` and the words. So if another taker has
 * confirmed its word under an earlier max, this taker sees that word, and a
 * `top` above it.
 */
static uint32_t limit(const struct semaphore *s, uint64_t max)
{
	uint32_t most = max & SEMAPHORE_MAX, held = 0, l = top_of_both(s);

	if (likely(l <= most))
		return most < SHM_PERMITS ? most : SHM_PERMITS;
	while (l && l + held > most)
		held += is_held(s, --l);
	return l + held > most ? 0 : l;
}

static void raise_top(const struct semaphore *s, uint32_t to)
{
	uint32_t *at = &semaphore_head(s)->top;
	uint32_t top = load_seq(at);

	while (top < to && !cas_seq(at, top, to))
		top = load_seq(at);
}

void semaphore_freed(struct peer *p, uint32_t slot)
{
	uint32_t *event = &p->map->cold[slot].event;

	kill_point(permit_freed);
	/* SEMAPHORE-5: the word is set back before this look. */
	if (unlikely(event_awaited(event)) && event_wake_one(p->map, event))
		peer_count(p, COUNT_wakeups);
	owned_drop(p, slot);
}

int semaphore_give_back(struct peer *p, uint32_t slot, uint32_t *word)
{
	if (!cas_seq(word, permit_name(p->id, p->incarnation), 0)) {
		peer_count(p, COUNT_corrupt);
		return -EBADMSG;
	}
	semaphore_freed(p, slot);
	return 0;
}

/* Returns the word that follows `old`: this maximum, and one change more. */
static uint64_t next_max(uint64_t old, uint64_t max)
{
	return ((old >> 32) + 1) << 32 | (uint32_t)max;
}

/* Reads max, and opens the semaphore if it is closing (SEMAPHORE-7). */
static uint64_t open_max(const struct semaphore *s)
{
	uint64_t *at = &semaphore_head(s)->max, max;

	while (unlikely((max = load_seq(at)) & SEMAPHORE_CLOSING))
		cas_seq(at, max, next_max(max, max & SEMAPHORE_MAX));
	return max;
}

/*
 * Retires a removed semaphore's slot, as the remover was about to do, and drops
 * the note of the slot. Returns MOVED.
 */
static int take_out(struct peer *p, const struct semaphore *s)
{
	slot_retire(p, s->slot, s->ctl);
	owned_drop(p, s->slot);
	return MOVED;
}

/*
 * Notes the slot, before a write to the semaphore (SEMAPHORE-8). False: the
 * semaphore has been removed.
 */
static bool note(struct peer *p, const struct semaphore *s)
{
	owned_note(p, s->slot);
	if (likely(semaphore_stays(s)))
		return true;
	owned_drop(p, s->slot);
	return false;
}

/*
 * A taker meets a semaphore that is closing or removed: opens it, or retires
 * its slot. Returns MOVED.
 */
static __attribute__((noinline)) int meet_remover(struct peer *p,
						  const struct semaphore *s)
{
	if (!note(p, s))
		return MOVED;
	if (open_max(s) & SEMAPHORE_REMOVED)
		return take_out(p, s);
	owned_drop(p, s->slot);
	return MOVED;
}

/*
 * The taker has the word. Checks that the word is still below L, and that
 * permits are still taken in this segment.
 *
 * ORDER-V2 pairs ORDER-V1
 * The taker takes the word before it looks at max: a caller that changed max
 * meanwhile finds the word, or the taker finds the change.
 *
 * ORDER-M2 pairs ORDER-M1
 * The taker takes the word before it looks at `moved`: a taker in the successor
 * finds the word, or this taker finds that the segment has moved.
 */
static int confirm(const struct semaphore *s, uint32_t i, uint64_t max)
{
	uint64_t now;

	while (unlikely((now = open_max(s)) != max)) {
		max = now;
		if (max & SEMAPHORE_REMOVED)
			return MOVED;
		if (i >= limit(s, max))
			return -EBUSY;
	}
	return unlikely(load_seq(&s->map->header->moved)) ? MOVED : 0;
}

/*
 * Takes one word. Returns 0, -EBUSY (the word is taken, or is not below L), or
 * MOVED.
 */
static int take_word(struct peer *p, const struct semaphore *s, uint32_t i,
		     uint64_t max)
{
	uint32_t *word = semaphore_word(s, i);
	int r;

	if (unlikely(!note(p, s)))
		return MOVED;
	kill_point(permit_noted);
	raise_top(s, i + 1);
	if (!cas_seq(word, 0, permit_name(p->id, p->incarnation))) {
		owned_drop(p, s->slot);
		return -EBUSY;
	}
	kill_point(permit_taken);
	r = confirm(s, i, max);
	if (unlikely(r))
		semaphore_give_back(p, s->slot, word);
	return r;
}

int semaphore_take(struct peer *p, const struct semaphore *s, uint32_t *hint)
{
	const uint64_t leaving = SEMAPHORE_CLOSING | SEMAPHORE_REMOVED;
	uint64_t max = load_seq(&semaphore_head(s)->max);
	uint32_t most = limit(s, max), i = *hint;
	int r;

	if (unlikely(max & leaving))
		return meet_remover(p, s);
	/*
	 * From here on this thread's death wakes a waiter, as it must once the
	 * thread holds a permit (WAIT-6).
	 */
	wait_rest(p);
	for (uint32_t n = 0; n < most; n++, i++) {
		if (i >= most)
			i = 0;
		if (is_held(s, i))
			continue;
		r = take_word(p, s, i, max);
		if (r == -EBUSY)
			continue;
		*hint = i;
		return r;
	}
	return -EBUSY;
}

/*
 * If the caller dies in here, its record notes the slot, so its reaper wakes
 * the waiters that a larger max lets in.
 */
int semaphore_set_max(struct peer *p, const struct semaphore *s, uint32_t max)
{
	uint64_t *at = &semaphore_head(s)->max, old;

	if (!note(p, s))
		return MOVED;
	wait_rest(p);
	do {
		old = open_max(s);
		if (old & SEMAPHORE_REMOVED)
			return take_out(p, s);
		/* ORDER-V2 pairs ORDER-V1 */
	} while (!cas_seq(at, old, next_max(old, max)));
	kill_point(max_changed);
	event_wake(p->map, &p->map->cold[s->slot].event, true);
	owned_drop(p, s->slot);
	return load_seq(&s->map->header->moved) ? MOVED : 0;
}

static bool is_in_use(const struct semaphore *s)
{
	uint32_t top = semaphore_top(s);

	for (uint32_t i = 0; i < top; i++)
		if (load_seq(semaphore_word(s, i)))
			return true;
	return peer_waiters(s->map, s->slot) > 0;
}

/*
 * SEMAPHORE-7: closes an open semaphore and removes it, if it is not in use;
 * `max` is its present value. False: it is in use, or another caller was
 * faster.
 */
static bool close_for_good(const struct semaphore *s, uint64_t max)
{
	uint64_t *at = &semaphore_head(s)->max;
	uint64_t closing = next_max(max, max | SEMAPHORE_CLOSING);

	if (!cas_seq(at, max, closing))
		return false;
	kill_point(semaphore_closing);
	/* ORDER-V2 pairs ORDER-V1 */
	if (is_in_use(s)) {
		cas_seq(at, closing, next_max(closing, max & SEMAPHORE_MAX));
		return false;
	}
	return cas_seq(at, closing, next_max(closing, max | SEMAPHORE_REMOVED));
}

int semaphore_remove(struct peer *p, const struct semaphore *s)
{
	uint64_t max;

	if (!note(p, s))
		return MOVED;
	max = open_max(s);
	if (max & SEMAPHORE_REMOVED)
		return take_out(p, s);
	if (!close_for_good(s, max)) {
		owned_drop(p, s->slot);
		return -EBUSY;
	}
	kill_point(semaphore_removed);
	take_out(p, s);
	peer_count(p, COUNT_forgets);
	return 0;
}

bool semaphore_sole_holder(const struct semaphore *s, struct mapping **map,
			   uint32_t *id, uint64_t *sum)
{
	const struct semaphore *at = s;
	uint64_t max = load_seq(&semaphore_head(s)->max);
	uint32_t top = top_of_both(s), held = 0, word = 0;

	for (uint32_t i = 0; i < 2 * top; i++) {
		const struct semaphore *in = i < top ? s : s->before;
		uint32_t w = in ? load_seq(semaphore_word(
					  in, i < top ? i : i - top)) :
				  0;

		if (!w)
			continue;
		if (w & PERMIT_DETACHED || (held++ && (w != word || in != at)))
			return false;
		at = in;
		word = w;
	}
	*map = at->map;
	*id = permit_holder(word);
	*sum = max ^ (uint64_t)word << 32;
	return held && held >= (max & SEMAPHORE_MAX);
}

/*
 * Counts in rounds, until two rounds have seen the same words held, or eight
 * rounds are over. The last count is exact, or nearly so.
 */
uint32_t semaphore_held(const struct semaphore *s)
{
	uint64_t before = 0, now = 1;
	uint32_t held = 0;

	for (int tries = 0; before != now && tries < 8; tries++) {
		uint32_t top = top_of_both(s);

		before = now;
		held = 0;
		now = 0;
		for (uint32_t i = 0; i < top; i++) {
			bool is = is_held(s, i);

			held += is;
			now = (now ^ is) * UINT64_C(0x9e3779b97f4a7c15) + i;
		}
	}
	return held;
}

bool semaphore_peek(struct mapping *map, uint32_t slot, uint32_t *max,
		    uint32_t *held)
{
	struct semaphore s;

	if (!semaphore_at(map, slot, &s))
		return false;
	*max = semaphore_max(&s);
	*held = semaphore_held(&s);
	return true;
}
