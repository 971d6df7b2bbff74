/* SPDX-License-Identifier: MIT */
#include "top/lot.h"

#include <sys/socket.h>
#include <unistd.h>

#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/removal.h"
#include "peer/wait.h"
#include "sync/semaphore.h"

struct lot lot;

void lot_link(struct polled **list, struct polled *w)
{
	w->next = *list;
	w->at = list;
	if (w->next)
		w->next->at = &w->next;
	*list = w;
}

static void unlink_from(struct polled *w)
{
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
}

void lot_link_task(struct polled *w)
{
	struct polled **list = &lot.by_task[w->task % LOT_TASKS];

	if (!w->task)
		return;
	w->next_of_task = *list;
	w->at_of_task = list;
	if (w->next_of_task)
		w->next_of_task->at_of_task = &w->next_of_task;
	*list = w;
}

static void unlink_task(struct polled *w)
{
	if (!w->task)
		return;
	*w->at_of_task = w->next_of_task;
	if (w->next_of_task)
		w->next_of_task->at_of_task = w->at_of_task;
}

static void owe(struct polled_ready *ready)
{
	ready->unread++;
	ready->next_untold = lot.untold;
	lot.untold = ready;
}

/* LOT-1: makes the queue's descriptor unreadable, as its list is empty. */
static void clear(struct polled_ready *ready)
{
	uint64_t n;

	if (ready->loop >= 0)
		ready->unread = 0;
	else if (ready->unread && read(ready->fd, &n, sizeof(n)) == sizeof(n))
		ready->unread -= n;
}

uint32_t lot_owed(struct lot_debt *debts, uint32_t max)
{
	uint32_t n = 0;

	while (lot.untold && n < max) {
		bool is_socket = lot.untold->loop >= 0;

		debts[n++] = (struct lot_debt){
			.fd = is_socket ? lot.untold->loop : lot.untold->fd,
			.is_socket = is_socket,
		};
		lot.untold = lot.untold->next_untold;
	}
	return n;
}

/*
 * Ignores failures: a socket that is full already has bytes for the loop to
 * read, and a socket whose other end is closed has no loop.
 */
void lot_write(const struct lot_debt *debt)
{
	const uint64_t once = 1;
	ssize_t r;

	if (debt->is_socket)
		r = send(debt->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		r = write(debt->fd, &once, sizeof(once));
	(void)r;
}

void lot_tell(void)
{
	struct lot_debt debt;

	while (lot_owed(&debt, 1))
		lot_write(&debt);
}

int lot_set_loop(struct polled_ready *ready, int fd)
{
	int before = ready->loop;

	ready->loop = fd;
	if (ready->first)
		owe(ready);
	return before;
}

void lot_ready(struct polled *w)
{
	struct polled_ready *ready = w->ready;

	unlink_from(w);
	if (!--lot.parked)
		lot.emptied = sys.now();
	w->state = POLLED_READY;
	w->next = NULL;
	w->at = ready->end;
	*ready->end = w;
	ready->end = &w->next;
	if (ready->first == w)
		owe(ready);
}

struct polled *lot_next(struct polled_ready *ready)
{
	struct polled *w = ready->first;

	if (!w) {
		clear(ready);
		return NULL;
	}
	ready->first = w->next;
	if (w->next)
		w->next->at = &ready->first;
	else
		ready->end = &ready->first;
	if (!ready->first)
		clear(ready);
	w->state = POLLED_TOLD;
	return w;
}

void lot_take(struct polled *w)
{
	struct polled_ready *ready = w->ready;

	if (w->state == POLLED_PARKED) {
		unlink_from(w);
		if (!--lot.parked)
			lot.emptied = sys.now();
	} else if (w->state == POLLED_READY) {
		unlink_from(w);
		if (!w->next)
			ready->end = w->at;
		if (!ready->first)
			clear(ready);
	}
	w->state = POLLED_RUNNING;
	unlink_task(w);
	polled_unnote(w->park.map, &w->park.note);
	w->where->count--;
}

/* Whether the flight that the wait has joined is over, or has changed owner. */
static bool has_moved_on(const struct park *k)
{
	const uint64_t loose = CTL_HAS | CTL_FAILED | CTL_INVALID;

	return (load_seq(&k->map->slots[k->slot].ctl) ^ k->ctl) & ~loose;
}

static bool owner_changed(const struct park *k)
{
	return k->owner != PARK_NO_OWNER &&
	       load_acquire(liveness_word(k->map,
					  &k->map->participants[k->owner])) !=
		       k->owner_seen;
}

/*
 * Whether a permit is free, or a holder has died, since the call looked. A free
 * permit does not count (`shunned`) for a call that lets others go first, nor
 * while the segment is being replaced: it may be held in the predecessor.
 */
static bool permit_is_due(const struct park *k)
{
	struct semaphore s;

	return k->permit && semaphore_at(k->map, k->slot, &s) &&
	       (semaphore_dead(&s) != k->dead ||
		(!k->shunned && semaphore_held(&s) < semaphore_max(&s)));
}

/*
 * ORDER-Q2 pairs ORDER-Q1
 * The watcher reads a bell before it reads the events of the bell's waits.
 */
static bool event_changed(const struct park *k)
{
	return load_acquire(&k->map->cold[k->slot].event) != k->event_seen;
}

bool lot_is_due(const struct polled *w, uint64_t now)
{
	const struct park *k = &w->park;

	return event_changed(k) || has_moved_on(k) || owner_changed(k) ||
	       (k->until && now >= k->until) ||
	       (w->cancel && load_acquire(&w->cancel->word)) ||
	       polled_is_closed(w) || (!k->asked && removal_known(k->map)) ||
	       permit_is_due(k);
}

static bool is_listed(const struct mapping *map, uint32_t index)
{
	for (uint32_t i = 0; i < lot.owner_count; i++)
		if (lot.owner[i].index == index && lot.owner[i].map == map)
			return true;
	return false;
}

static void list_owner(struct mapping *map, uint32_t index, uint32_t seen)
{
	struct shm_participant *rec = &map->participants[index];

	/*
	 * An owner of this process is not listed: if the process dies, its
	 * watcher must not get the only wake. If only the owner's thread dies,
	 * the watcher finds that at the end of a slice.
	 */
	if (load_relaxed(&rec->cookie) == map->cookie ||
	    lot.owner_count == LOT_OWNERS || is_listed(map, index))
		return;
	lot.owner[lot.owner_count++] = (struct lot_owner){
		.map = map,
		.word = liveness_word(map, rec),
		.index = index,
		.seen = seen,
	};
}

/* The dead are not listed: their words have changed already. */
static void list_holder(struct mapping *map, uint32_t index)
{
	uint32_t seen;

	if (!life_proven_dead(map, &map->participants[index], &seen))
		list_owner(map, index, seen);
}

bool lot_list_owners(const struct park *k)
{
	uint32_t count = lot.owner_count;
	struct semaphore s;

	if (k->owner != PARK_NO_OWNER)
		list_owner(k->map, k->owner, k->owner_seen);
	if (k->permit && count < LOT_OWNERS &&
	    semaphore_at(k->map, k->slot, &s))
		semaphore_each_holder(&s, list_holder);
	return lot.owner_count != count;
}

void lot_note_until(uint64_t until)
{
	if (until && until < lot.due)
		lot.due = until;
}

/* WAIT-1: wake_others() sees only listed owners. */
static void wake_beside(const struct park *k)
{
	if (owner_changed(k))
		sys.wake(liveness_word(k->map, &k->map->participants[k->owner]),
			 INT32_MAX);
}

void lot_scan_bell(struct watched *a, uint32_t bell, uint64_t now)
{
	struct polled *w = a->at[bell], *next;

	for (; w; w = next) {
		next = w->next;
		if (lot_is_due(w, now)) {
			wake_beside(&w->park);
			lot_ready(w);
			continue;
		}
		lot_note_until(w->park.until);
		(void)lot_list_owners(&w->park);
	}
}

void lot_read_bell(struct watched *a, uint32_t bell)
{
	a->seen[bell] = load_acquire(&a->map->header->bells[bell]);
}

void lot_add_word(struct futex_waitv **v, uint32_t *word, uint32_t seen,
		  uint32_t flags)
{
	*(*v)++ = (struct futex_waitv){
		.uaddr = (uintptr_t)word,
		.val = seen,
		.flags = FUTEX_32 | flags,
	};
}

static void add_bell(struct futex_waitv **v, struct watched *a, uint32_t b)
{
	lot_add_word(v, &a->map->header->bells[b], a->seen[b], 0);
	a->heard |= UINT64_C(1) << b;
}

bool lot_add_bells(struct futex_waitv **v, const struct futex_waitv *end)
{
	for (struct watched *a = lot.all; a; a = a->next) {
		a->heard = 0;
		for (uint32_t b = 0; b < SHM_BELLS; b++) {
			if (!a->at[b])
				continue;
			if (*v == end)
				return false;
			add_bell(v, a, b);
		}
	}
	return true;
}

void lot_add_recent(struct futex_waitv **v, const struct futex_waitv *end)
{
	for (struct watched *a = lot.all; a; a = a->next)
		for (uint64_t left = a->recent & ~a->heard; left && *v < end;
		     left &= left - 1)
			add_bell(v, a, (uint32_t)__builtin_ctzll(left));
}

bool lot_has_recent(void)
{
	for (const struct watched *a = lot.all; a; a = a->next)
		if (a->recent)
			return true;
	return false;
}

/*
 * Looks at all waits, and lists their leaders anew. There may be more leaders
 * than places in the list. Therefore each slice begins at another bell, so that
 * the watcher asks the kernel about all leaders in turn.
 */
void lot_scan(uint64_t now)
{
	lot.owner_count = 0;
	lot.due = NS_NEVER;
	for (struct watched *a = lot.all; a; a = a->next) {
		for (uint32_t i = 0; i < SHM_BELLS; i++) {
			uint32_t b = (lot.first_bell + i) % SHM_BELLS;

			lot_read_bell(a, b);
			lot_scan_bell(a, b, now);
		}
	}
}

static void ready_those(struct polled *w, lot_match_fn matches, const void *arg)
{
	struct polled *next;

	for (; w; w = next) {
		next = w->next;
		if (matches(w, arg))
			lot_ready(w);
	}
}

void lot_ready_those(lot_match_fn matches, const void *arg)
{
	for (struct watched *a = lot.all; a; a = a->next)
		for (uint32_t b = 0; b < SHM_BELLS; b++)
			ready_those(a->at[b], matches, arg);
}

static bool waits_for(const struct polled *w, const void *arg)
{
	const struct lot_owner *o = arg;

	return w->park.map == o->map && w->park.owner == o->index;
}

static bool may_replace(const struct polled *w, const void *arg)
{
	return !w->park.proof && waits_for(w, arg);
}

void lot_doubt(const struct lot_owner *o, bool dead)
{
	lot_ready_those(dead ? waits_for : may_replace, o);
}

void lot_examine_holders(void)
{
	struct semaphore s = { .map = NULL };

	for (struct watched *a = lot.all; a; a = a->next)
		for (uint32_t b = 0; b < SHM_BELLS; b++)
			for (const struct polled *w = a->at[b]; w;
			     w = w->next) {
				const struct park *k = &w->park;

				/* Waits for one semaphore often stand
				   together. */
				if (!k->permit ||
				    (s.map == k->map && s.slot == k->slot))
					continue;
				if (semaphore_at(k->map, k->slot, &s))
					semaphore_examine(&s);
			}
}
