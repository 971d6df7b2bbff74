/* SPDX-License-Identifier: MIT */
/* Locks and permits. */
#include "worker.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sfshm/lock.h>
#include <sfshm/semaphore.h>

#include "os/atomics.h"

/* Tells how a wait ended. A hold, a time-out and a lack of room are right. */
void see_wait(uint32_t key, int r, uint64_t ns)
{
	bool expected = r >= 0 || r == -ETIMEDOUT || r == -ENOSPC;

	tell(expected ? TOLD_WAITED : TOLD_WRONG, key, WRONG_CODE, 0,
	     (uint64_t)-r, ns);
}

/* Each way to take a lock alone. */
static int take_alone(uint32_t n, struct sfshm_lock *lock)
{
	const char name[] = { 'l', (char)('0' + n) };
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	uint64_t from = clock_ns();
	bool tries = random_below(4) == 0;
	int r;

	o.rank = 1 + n;
	o.deadline_ns = from + 2 * storm->bound_ns;
	r = tries ? sfshm_trylock(h, name, sizeof(name), lock) :
		    sfshm_lock(h, name, sizeof(name), &o, lock);
	if (r == -EBUSY && tries)
		one_more(&own->busy);
	else
		see_wait(n, r, clock_ns() - from);
	return r;
}

/*
 * Who holds a lock notes itself. A dead holder's note may stand or not, and
 * the next one is told of its death.
 */
void hold_lock(uint32_t n)
{
	uint32_t me = (uint32_t)getpid(), *holder = &storm->holder[n];
	struct sfshm_lock lock;
	int r = take_alone(n, &lock);

	if (r < 0)
		return;
	one_more(r == SFSHM_OWNER_DIED ? &own->orphaned : &own->locked);
	if (r == SFSHM_OWNER_DIED)
		store_seq(holder, me);
	else if (!cas_seq(holder, 0, me))
		tell(TOLD_WRONG, n, WRONG_LOCK, 0, load_seq(holder), 0);
	look_for_sharers(n);
	if (random_below(2))
		usleep(random_below(200));
	look_for_sharers(n);
	if (!cas_seq(holder, me, 0))
		tell(TOLD_WRONG, n, WRONG_LOCK, 0, load_seq(holder), 0);
	r = sfshm_unlock(&lock);
	if (r)
		see_wait(n, -ENOTRECOVERABLE, 0);
}

void hold_permit(void)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	uint64_t from = clock_ns();
	struct sfshm_permit permit;
	int r;

	o.max = STORM_PERMITS;
	o.deadline_ns = from + 2 * storm->bound_ns;
	r = sfshm_acquire(h, STORM_SEMAPHORE, strlen(STORM_SEMAPHORE), &o,
			  &permit);
	see_wait(0, r, clock_ns() - from);
	if (r)
		return;
	one_more(&own->permits);
	if (random_below(2))
		usleep(random_below(200));
	if (sfshm_semaphore_info(h, STORM_SEMAPHORE, strlen(STORM_SEMAPHORE),
				 &info) ||
	    info.in_use < 1 || info.in_use > STORM_PERMITS)
		tell(TOLD_WRONG, 0, WRONG_PERMIT, 0, info.in_use, 0);
	if (sfshm_permit_release(&permit))
		see_wait(0, -ENOTRECOVERABLE, 0);
}

/* The next caller that takes a permit makes the semaphore anew. */
void remove_semaphore(void)
{
	int r;

	one_more(&own->uncounted);
	r = sfshm_semaphore_remove(h, STORM_SEMAPHORE, strlen(STORM_SEMAPHORE));
	if (r && r != -EBUSY && r != -ENODATA)
		tell(TOLD_WRONG, 0, WRONG_CODE, 0, (uint64_t)-r, 0);
}
