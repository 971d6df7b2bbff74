/* SPDX-License-Identifier: MIT */
/*
 * Locks that are held shared. A sharer has a word of its own for each lock,
 * which is odd while it holds the lock; its death leaves the word odd, until
 * its successor is born. So a process that holds the lock alone and finds an
 * odd word waits for the word to change: either a successor has cleared the
 * word, or the sharer was alive, and the two held the lock at once.
 */
#include "worker.h"

#include <errno.h>
#include <unistd.h>

#include <sfshm/lock.h>

#include "os/atomics.h"

void forget_sharing(void)
{
	for (uint32_t n = 0; n < STORM_LOCKS; n++)
		store_seq(&storm->sharer[n][worker_number], 0);
}

static void look_for(uint32_t n, uint32_t worker)
{
	uint64_t *word = &storm->sharer[n][worker], seen = load_seq(word), now;

	if (seen % 2 == 0)
		return;
	while ((now = load_seq(word)) == seen)
		usleep(50);
	if (now >> 32 == seen >> 32)
		tell(TOLD_WRONG, n, WRONG_LOCK, 0, seen >> 32, 0);
}

void look_for_sharers(uint32_t n)
{
	for (uint32_t w = 0; w < STORM_WORKERS; w++)
		look_for(n, w);
}

static int take(uint32_t n, struct sfshm_lock *lock)
{
	const char name[] = { 'l', (char)('0' + n) };
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	uint64_t from = clock_ns();
	int r;

	o.flags = SFSHM_LOCK_SHARED;
	o.flags |= random_below(4) ? 0 : SFSHM_LOCK_TRY;
	o.rank = 1 + n;
	o.deadline_ns = from + 2 * storm->bound_ns;
	r = sfshm_lock(h, name, sizeof(name), &o, lock);
	if (r != -EBUSY || !(o.flags & SFSHM_LOCK_TRY))
		see_wait(n, r, clock_ns() - from);
	else
		one_more(&own->busy);
	return r;
}

/*
 * Nobody holds the lock alone meanwhile. Only the note of a dead holder may
 * stand, of whose death every sharer is told.
 */
void share_lock(uint32_t n)
{
	uint64_t *word = &storm->sharer[n][worker_number];
	uint64_t mine = (uint64_t)getpid() << 32 | (uint32_t)load_seq(word);
	uint32_t holder;
	struct sfshm_lock lock;
	int r = take(n, &lock);

	if (r < 0)
		return;
	store_seq(word, mine + 1);
	one_more(&own->shared);
	holder = load_seq(&storm->holder[n]);
	if (holder && r != SFSHM_OWNER_DIED)
		tell(TOLD_WRONG, n, WRONG_LOCK, 1, holder, 0);
	if (random_below(2))
		usleep(random_below(200));
	if (load_seq(&storm->holder[n]) != holder)
		tell(TOLD_WRONG, n, WRONG_LOCK, 2, holder, 0);
	store_seq(word, mine + 2);
	r = sfshm_unlock(&lock);
	if (r)
		see_wait(n, -ENOTRECOVERABLE, 0);
}
