/* SPDX-License-Identifier: MIT */
#include "sync/detached.h"

#include <stdlib.h>

#include "peer/wait.h"
#include "sync/move.h"
#include "sync/semaphore.h"

enum state {
	STATE_FREE,
	STATE_OPEN,
	STATE_BUSY,
};

/*
 * A number's low bits are the entry's index, and never change. Chunk n holds
 * CHUNK << n entries.
 */
#define INDEX_BITS 20
#define CHUNK 256u
#define CHUNKS 12
#define MOST (CHUNK * ((1u << CHUNKS) - 1))
static_assert(MOST <= 1u << INDEX_BITS, "each index fits into a number");

struct entry {
	uint64_t word; /* number << 2 | state */
	struct detached d;
	uint32_t next; /* of the free ones: index + 1 */
};

static struct entry *chunks[CHUNKS];
static uint32_t used;
static uint64_t free_head; /* bits 0..31 index + 1, or 0; 32..63 a count */

static __thread uint64_t ending; /* the entry that this thread has claimed */
static __thread struct entry *spare; /* a free entry, for its next flight */

static uint64_t word_of(uint64_t number, enum state state)
{
	return number << 2 | (uint64_t)state;
}

static uint32_t chunk_of(uint32_t i)
{
	return 31 - (uint32_t)__builtin_clz(i / CHUNK + 1);
}

/* NULL: there is no such entry, or there was no memory for it. */
static struct entry *entry_at(uint32_t i)
{
	uint32_t n = chunk_of(i);
	struct entry *chunk = n < CHUNKS ? load_acquire(&chunks[n]) : NULL;

	return chunk ? &chunk[i - CHUNK * ((1u << n) - 1)] : NULL;
}

static struct entry *entry_of(uint64_t number)
{
	return entry_at((uint32_t)number % (1u << INDEX_BITS));
}

/* Makes a new entry. Its first number is 2^INDEX_BITS plus its index. */
static struct entry *make(void)
{
	uint32_t i = fetch_add_relaxed(&used, 1), n = chunk_of(i);
	struct entry *chunk;

	if (i >= MOST) {
		store_relaxed(&used, MOST);
		return NULL;
	}
	if (!load_acquire(&chunks[n])) {
		chunk = calloc(CHUNK << n, sizeof(*chunk));
		if (!chunk)
			return NULL;
		if (!cas_acq_rel(&chunks[n], NULL, chunk))
			free(chunk);
	}
	store_relaxed(&entry_at(i)->word,
		      word_of((UINT64_C(1) << INDEX_BITS) | i, STATE_FREE));
	return entry_at(i);
}

static uint64_t next_head(uint64_t head, uint32_t first)
{
	return ((head >> 32) + 1) << 32 | first;
}

static void push(struct entry *e)
{
	uint64_t head;
	uint32_t i;

	i = (uint32_t)(load_relaxed(&e->word) >> 2) % (1u << INDEX_BITS);
	do {
		head = load_relaxed(&free_head);
		store_relaxed(&e->next, (uint32_t)head);
	} while (!cas_acq_rel(&free_head, head, next_head(head, i + 1)));
}

uint64_t detached_new(void)
{
	uint64_t head = load_acquire(&free_head);
	struct entry *e = spare;

	spare = NULL;
	while (!e && (uint32_t)head) {
		e = entry_at((uint32_t)head - 1);
		if (cas_acq_rel(&free_head, head,
				next_head(head, load_relaxed(&e->next))))
			break;
		e = NULL;
		head = load_acquire(&free_head);
	}
	e = e ? e : make();
	return e ? load_relaxed(&e->word) >> 2 : 0;
}

bool detached_reserve(void)
{
	uint64_t number = spare ? 0 : detached_new();

	if (number)
		spare = entry_of(number);
	return spare;
}

void detached_open(uint64_t number, const struct detached *d)
{
	struct entry *e = entry_of(number);

	store_relaxed(&e->d.handle, d->handle);
	store_relaxed(&e->d.task, d->task);
	store_relaxed(&e->d.serial, d->serial);
	store_relaxed(&e->d.ctl, d->ctl);
	store_relaxed(&e->d.claim_ctl, d->claim_ctl);
	store_relaxed(&e->d.slot, d->slot);
	store_relaxed(&e->d.claim_slot, d->claim_slot);
	store_relaxed(&e->d.word, d->word);
	store_relaxed(&e->d.name, d->name);
	store_relaxed(&e->d.lock, d->lock);
	store_relaxed(&e->d.alone, d->alone);
	store_release(&e->word, word_of(number, STATE_OPEN));
}

bool detached_claim(uint64_t number)
{
	struct entry *e = entry_of(number);

	return e && cas_acq_rel(&e->word, word_of(number, STATE_OPEN),
				word_of(number, STATE_BUSY));
}

void detached_note_end(uint64_t number)
{
	ending = number;
}

void detached_drop_end(void)
{
	if (unlikely(ending))
		detached_unclaim(ending);
	if (spare)
		push(spare);
	spare = NULL;
}

void detached_unclaim(uint64_t number)
{
	ending = 0;
	store_release(&entry_of(number)->word, word_of(number, STATE_OPEN));
}

void detached_free(uint64_t number)
{
	struct entry *e = entry_of(number);
	uint64_t next = number + (UINT64_C(1) << INDEX_BITS);

	ending = 0;
	store_release(&e->word, word_of(next, STATE_FREE));
	if (spare)
		push(e);
	else
		spare = e;
}

static void copy(struct detached *to, const struct detached *from)
{
	to->handle = load_relaxed(&from->handle);
	to->task = load_relaxed(&from->task);
	to->serial = load_relaxed(&from->serial);
	to->ctl = load_relaxed(&from->ctl);
	to->claim_ctl = load_relaxed(&from->claim_ctl);
	to->slot = load_relaxed(&from->slot);
	to->claim_slot = load_relaxed(&from->claim_slot);
	to->word = load_relaxed(&from->word);
	to->name = load_relaxed(&from->name);
	to->lock = load_relaxed(&from->lock);
	to->alone = load_relaxed(&from->alone);
}

void detached_read(uint64_t number, struct detached *d)
{
	copy(d, &entry_of(number)->d);
}

static uint32_t entries(void)
{
	uint32_t n = load_acquire(&used);

	return n < MOST ? n : MOST;
}

uint64_t detached_claim_next(const void *handle, uint64_t task, uint32_t *at,
			     struct detached *d)
{
	while (*at < entries()) {
		struct entry *e = entry_at((*at)++);
		uint64_t word = e ? load_acquire(&e->word) : STATE_FREE;

		if ((word & 3) != STATE_OPEN ||
		    load_relaxed(&e->d.task) != task ||
		    load_relaxed(&e->d.handle) != handle ||
		    !detached_claim(word >> 2))
			continue;
		copy(d, &e->d);
		return word >> 2;
	}
	return 0;
}

uint64_t detached_next_permit(const struct mapping *map, uint32_t name,
			      uint32_t *at, struct detached *d)
{
	while (*at < entries()) {
		struct entry *e = entry_at((*at)++);
		uint64_t word = e ? load_acquire(&e->word) : STATE_FREE;

		if ((word & 3) == STATE_FREE ||
		    load_relaxed(&e->d.name) != name ||
		    load_relaxed(&e->d.serial) != map->serial)
			continue;
		copy(d, &e->d);
		return word >> 2;
	}
	return 0;
}

void detached_rename(uint64_t number, uint32_t name)
{
	store_relaxed(&entry_of(number)->d.name, name);
}

uint32_t detached_name(uint64_t number)
{
	return load_relaxed(&entry_of(number)->d.name);
}

static bool names(const struct detached *d, uint32_t slot, uint64_t gen)
{
	if (d->word)
		return false;
	return (d->ctl && d->slot == slot && ctl_gen(d->ctl) == gen) ||
	       (d->claim_ctl && d->claim_slot == slot &&
		ctl_gen(d->claim_ctl) == gen);
}

uint64_t detached_task(const struct mapping *map, uint32_t slot, uint64_t gen)
{
	uint32_t n = entries();

	for (uint32_t i = 0; i < n; i++) {
		struct entry *e = entry_at(i);
		uint64_t word = e ? load_acquire(&e->word) : STATE_FREE;
		struct detached d;

		if ((word & 3) == STATE_FREE)
			continue;
		copy(&d, &e->d);
		fence_acquire();
		if (names(&d, slot, gen) && d.serial == map->serial &&
		    load_relaxed(&e->word) >> 2 == word >> 2)
			return d.task;
	}
	return 0;
}

uint32_t (*detached_polled)(const struct mapping *map, uint64_t task);

/* Finds the slot, + 1, that the task waits at; 0: it does not wait. */
static uint32_t waits_at(const struct mapping *map, uint64_t task)
{
	for (const struct peer *p = peer_list; p; p = p->next_here) {
		uint32_t slot =
			p->map == map && load_relaxed(&p->task) == task ?
				wait_slot(load_relaxed(&p->record->wait)) :
				0;

		if (slot)
			return slot;
	}
	return detached_polled ? detached_polled(map, task) : 0;
}

/*
 * Finds the task that holds all permits of the semaphore at the slot; 0: there
 * is none. A permit counts only while its word is as it should be. Called with
 * peer_lock held, so no permit changes its name.
 */
static uint64_t holder(struct mapping *map, uint32_t slot)
{
	uint32_t n = entries(), held = 0;
	struct semaphore s;
	uint64_t task = 0;

	if (!semaphore_at(map, slot, &s))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		struct entry *e = entry_at(i);
		uint64_t word = e ? load_acquire(&e->word) : STATE_FREE;
		struct detached d;

		if ((word & 3) != STATE_OPEN || !load_relaxed(&e->d.word))
			continue;
		copy(&d, &e->d);
		fence_acquire();
		if (load_relaxed(&e->word) != word || d.slot != slot ||
		    d.serial != map->serial || d.ctl != s.ctl || !d.name ||
		    load_seq(d.word) != d.name)
			continue;
		if (held++ && d.task != task)
			return 0;
		task = d.task;
	}
	return held && held >= semaphore_max(&s) ? task : 0;
}

/* Finds the task that a wait at the slot waits for; 0: there is none. */
static uint64_t waited_for(struct mapping *map, uint32_t slot)
{
	struct shm_slot *s = slot_at(map, slot);
	uint64_t ctl = s ? load_seq(&s->ctl) : 0;

	if (s && slot_kind(s) == SHM_SEMAPHORE && !ctl_busy(ctl))
		return holder(map, slot);
	return ctl_busy(ctl) && flight_is_detached(map, slot, ctl) ?
		       detached_task(map, slot, ctl_gen(ctl)) :
		       0;
}

static bool comes_back(struct mapping *map, uint64_t task, uint32_t slot)
{
	uint32_t left = entries();

	while (left--) {
		uint64_t next = waited_for(map, slot);

		if (!next || next == task)
			return next;
		slot = waits_at(map, next);
		if (!slot--)
			return false;
	}
	return false;
}

bool detached_circle(struct mapping *map, uint64_t task, uint32_t slot)
{
	bool is;

	pthread_mutex_lock(&peer_lock);
	is = comes_back(map, task, slot);
	pthread_mutex_unlock(&peer_lock);
	return is;
}

void detached_forget(void)
{
	for (uint32_t i = 0; i < entries(); i++) {
		struct entry *e = entry_at(i);
		uint64_t word = e ? load_relaxed(&e->word) : STATE_FREE;

		if ((word & 3) != STATE_FREE)
			detached_free(word >> 2);
	}
}
