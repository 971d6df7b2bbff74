/* SPDX-License-Identifier: MIT */
/*
 * Robust mutexes, in the steps of glibc's pthread_mutex_trylock() and
 * pthread_mutex_unlock(), each with a point before it: where the thread stops
 * between two of them, `list_op_pending` names a word that others may change.
 */
#include <errno.h>
#include <linux/futex.h>

#include "kernel.h"
#include "oracle.h"
#include "schedule.h"
#include "segment/fingerprint.h"
#include "twin.h"

#undef pthread_mutex_trylock
#undef pthread_mutex_lock
#undef pthread_mutex_unlock
#undef pthread_mutex_consistent

/* glibc notes these in the owner's place. */
#define INCONSISTENT 0x7fffffffu
#define NOT_RECOVERABLE 0x7ffffffeu

static uint32_t *word_of(pthread_mutex_t *m)
{
	return (uint32_t *)(void *)m;
}

static uint32_t *owner_of(pthread_mutex_t *m)
{
	return word_of(m) + 2;
}

static uint32_t record_of(const void *m)
{
	return (uint32_t)((const struct shm_participant *)m -
			  world_map.participants);
}

static void set_pending(uint32_t *word)
{
	twin_robust.list_op_pending =
		word ? (uint8_t *)word - twin_robust.futex_offset : NULL;
}

static void enlist(uint32_t *word)
{
	struct task *t = kernel_self();

	if (t->held_count == TASK_HELD)
		oracle_fail("P%d holds more mutexes than TASK_HELD",
			    fiber_current);
	else
		t->held[t->held_count++] = word;
}

static void delist(const uint32_t *word)
{
	struct task *t = kernel_self();
	int n = 0;

	for (int i = 0; i < t->held_count; i++)
		if (t->held[i] != word)
			t->held[n++] = t->held[i];
	if (n < t->held_count)
		t->held[n] = NULL;
	t->held_count = (uint8_t)n;
}

static int taken(pthread_mutex_t *m, uint32_t owner, int answer)
{
	world.holder[record_of(m)] = (uint8_t)(fiber_current + 1);
	access_plain(owner_of(m), owner);
	schedule_point("mutex: trylock, into the list");
	enlist(word_of(m));
	schedule_point("mutex: trylock, pending cleared");
	set_pending(NULL);
	return answer;
}

static int try_word(pthread_mutex_t *m, uint32_t *word)
{
	uint32_t me = (uint32_t)kernel_self()->tid, seen;

	for (;;) {
		seen = (uint32_t)access_load(word, 4, __ATOMIC_RELAXED,
					     "mutex: trylock, the word");
		if (seen && !(seen & FUTEX_OWNER_DIED)) {
			set_pending(NULL);
			return EBUSY;
		}
		if (!access_cas(word, 4, seen, me | (seen & FUTEX_WAITERS),
				__ATOMIC_ACQUIRE, "mutex: trylock, its CAS"))
			continue;
		return seen ? taken(m, INCONSISTENT, EOWNERDEAD) :
			      taken(m, me, 0);
	}
}

int kernel_trylock(pthread_mutex_t *m)
{
	if (fiber_current < 0)
		return pthread_mutex_trylock(m);
	if (!world_has(m))
		return 0;
	schedule_point("mutex: trylock, pending set");
	set_pending(word_of(m));
	return try_word(m, word_of(m));
}

/* A process's own mutex: its word is 0, or 1 while a thread has it. */
static int unlock_private(uint32_t *word)
{
	if (!fiber_has_company)
		return 0;
	access_store(word, 4, 0, __ATOMIC_RELEASE, "mutex: unlock");
	kernel_self()->locks--;
	kernel_wake(word, 1);
	return 0;
}

int kernel_unlock(pthread_mutex_t *m)
{
	uint32_t *word = word_of(m), seen;

	if (fiber_current < 0)
		return pthread_mutex_unlock(m);
	if (!world_has(m))
		return unlock_private(word);
	seen = (uint32_t)access_load(word, 4, __ATOMIC_RELAXED,
				     "mutex: unlock, the word");
	if ((seen & FUTEX_TID_MASK) != (uint32_t)kernel_self()->tid)
		return EPERM;
	set_pending(word);
	schedule_point("mutex: unlock, out of the list");
	delist(word);
	access_plain(owner_of(m),
		     *owner_of(m) == INCONSISTENT ? NOT_RECOVERABLE : 0);
	schedule_point("mutex: unlock, the word freed");
	if (world.holder[record_of(m)] == fiber_current + 1)
		world.holder[record_of(m)] = 0;
	seen = (uint32_t)access_swap(word, 0);
	if (seen & FUTEX_WAITERS) {
		schedule_point("mutex: unlock, futex()");
		kernel_wake(word, 1);
	}
	schedule_point("mutex: unlock, pending cleared");
	set_pending(NULL);
	return 0;
}

int kernel_consistent(pthread_mutex_t *m)
{
	if (*owner_of(m) != INCONSISTENT)
		return EINVAL;
	access_plain(owner_of(m), (uint32_t)kernel_self()->tid);
	return 0;
}

/* A process of one thread need not lock its mutexes. */
int kernel_lock_private(pthread_mutex_t *m)
{
	uint32_t *word = word_of(m), taken_word = 1;

	if (fiber_current < 0)
		return pthread_mutex_lock(m);
	if (!fiber_has_company)
		return 0;
	while (!access_cas(word, 4, 0, 1, __ATOMIC_ACQUIRE, "mutex: lock"))
		kernel_sleep(&word, &taken_word, 1, 0);
	kernel_self()->locks++;
	return 0;
}
