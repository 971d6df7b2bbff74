/* SPDX-License-Identifier: MIT */
/*
 * The public calls on keyed locks. They check the arguments and the rank, and
 * find the calling thread's peer; sync/lock.c does the rest.
 */
#include <sfshm/lock.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/sys.h"
#include "sync/lock.h"
#include "top/call.h"
#include "top/detach.h"
#include "top/parked.h"
#include "top/rank.h"

#define ALL_FLAGS                                                     \
	(SFSHM_LOCK_TRY | SFSHM_LOCK_OWN_IS_BUSY | SFSHM_LOCK_ABORT | \
	 SFSHM_LOCK_CANCEL_FIRST | SFSHM_LOCK_SHARED | SFSHM_LOCK_DETACHED)

static_assert(SFSHM_LOCK_SHARED_MAX == SHM_SHARED, "a hold has a word");

static const struct sfshm_lock_options no_options = SFSHM_LOCK_OPTIONS_INIT;

/*
 * Checks the rank. If this thread already holds this lock, returns the error
 * for that instead of the rank's.
 */
static int check_rank(struct call *c, const struct sfshm_lock_options *o)
{
	const struct rank_wish wish = {
		.kind = SHM_LOCK,
		.key = c->key.data,
		.len = c->key.len,
		.rank = o->rank,
		.abort = o->flags & SFSHM_LOCK_ABORT,
		.why = o->why,
		.why_size = o->why_size,
	};
	struct peer *holder = rank_conflict(c->self, o->rank);
	struct key k;

	if (!holder)
		return 0;
	k = key_make(holder->map, SHM_LOCK, c->key.data, c->key.len);
	if (lock_held(holder, &k))
		return c->own_is_busy ? -EBUSY : -EDEADLK;
	return rank_refuse(holder, &wish);
}

/* Parks the wait in *polled instead of sleeping, unless `polled` is NULL. */
static int lock_slowly(struct sfshm *h, const void *key, size_t len,
		       const struct sfshm_lock_options *o, struct hold *held,
		       struct polled *polled)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = (o->flags & SFSHM_LOCK_TRY ? SFSHM_TRY : 0) |
			 (o->flags & SFSHM_LOCK_CANCEL_FIRST ?
				  SFSHM_CANCEL_FIRST :
				  0),
		.deadline_ns =
			call_deadline(o->wait_timeout_ms, o->deadline_ns),
		.cancel = o->cancel,
		.task = o->task,
	};
	struct sfshm_result none = SFSHM_RESULT_INIT;
	struct call c;
	int r;

	do {
		r = call_start(&c, h, SHM_LOCK, key, len, &policy, &none);
		if (r)
			return r;
		c.lease_or_rank = o->rank;
		/*
		 * A parked wait must not end with -EBUSY: that would tell the
		 * caller that the wait goes on (sfshm/queue.h).
		 */
		c.own_is_busy = o->flags & SFSHM_LOCK_OWN_IS_BUSY &&
				!(polled && polled->park.serial);
		c.shares = o->flags & SFSHM_LOCK_SHARED ? held : NULL;
		if (polled)
			polled_resume(&c, polled);
		r = check_rank(&c, o);
		if (!r)
			r = lock_take(&c, held);
	} while (r == MOVED);
	if (r >= 0)
		rank_note(c.self, o->rank, held->slot);
	return r;
}

/*
 * Takes the lock in the usual case: the thread is attached, the segment is
 * neither replaced nor removed, the rank is above all that the thread holds,
 * and nobody holds the lock. With `shared`, takes the lock shared, also if
 * others hold it shared. Returns AGAIN in any other case.
 */
static force_inline int lock_at_once(struct sfshm *h, const void *key,
				     size_t len, uint32_t rank, bool shared,
				     struct hold *held)
{
	struct peer *p = h ? peer_if_current(load_acquire(&h->map)) : NULL;
	struct key k;
	int r;

	if (unlikely(!p || handle_moved(p->map) || (rank && p->ranks >> rank)))
		return AGAIN;
	k = key_make(p->map, SHM_LOCK, key, len);
	r = shared ? lock_share_idle(p, &k, rank, held) :
		     lock_take_idle(p, &k, rank, held);
	if (r >= 0)
		rank_note(p, rank, held->slot);
	return r;
}

/* Takes the lock for the process. */
static __attribute__((noinline)) int
lock_for_process(struct sfshm *h, const void *key, size_t len,
		 const struct sfshm_lock_options *o, struct hold *held,
		 struct polled *polled)
{
	int r;

	if (o->rank)
		return -EINVAL;
	if (o->flags & SFSHM_LOCK_SHARED)
		return -EOPNOTSUPP;
	if (!detached_reserve())
		return -ENOMEM;
	r = lock_slowly(h, key, len, o, held, polled);
	if (r >= 0)
		detach_lock(h, o->task, held);
	return r;
}

/*
 * Takes the lock with a flag that few callers give. Not inlined, so that the
 * usual case has few registers to save.
 */
static __attribute__((noinline)) int
lock_oddly(struct sfshm *h, const void *key, size_t len,
	   const struct sfshm_lock_options *o, struct hold *held)
{
	int r = AGAIN;

	if (unlikely(o->flags & SFSHM_LOCK_DETACHED))
		return lock_for_process(h, key, len, o, held, NULL);
	/* Without these flags, the odd one is SFSHM_LOCK_SHARED. */
	if (!(o->flags & SFSHM_LOCK_CANCEL_FIRST))
		r = lock_at_once(h, key, len, o->rank, true, held);
	return likely(r != AGAIN) ? r : lock_slowly(h, key, len, o, held, NULL);
}

static force_inline bool is_valid(const void *key, size_t len,
				  const struct sfshm_lock_options *o)
{
	return key && len &&
	       !(o && (o->flags & ~(uint32_t)ALL_FLAGS ||
		       o->rank > SFSHM_LOCK_RANK_MAX || o->reserved));
}

int sfshm_lock(struct sfshm *h, const void *key, size_t len,
	       const struct sfshm_lock_options *o, struct sfshm_lock *lock)
{
	const uint32_t odd = SFSHM_LOCK_CANCEL_FIRST | SFSHM_LOCK_SHARED |
			     SFSHM_LOCK_DETACHED;
	struct hold *held = hold_of(lock);
	struct sfshm_lock_options own;
	int r;

	if (unlikely(!lock))
		return -EINVAL;
	held->map = NULL;
	held->ctl = 0;
	r = sized_adopt(&o, &own);
	if (unlikely(r))
		return r;
	if (unlikely(!is_valid(key, len, o)))
		return -EINVAL;
	if (unlikely(len > SFSHM_KEY_MAX))
		return -ENAMETOOLONG;
	o = o ? o : &no_options;
	if (unlikely(o->why && o->why_size))
		o->why[0] = '\0';
	if (unlikely(o->flags & odd))
		return lock_oddly(h, key, len, o, held);
	r = lock_at_once(h, key, len, o->rank, false, held);
	return likely(r != AGAIN) ? r : lock_slowly(h, key, len, o, held, NULL);
}

int lock_check(const void *key, size_t len, const struct sfshm_lock_options **o,
	       struct sfshm_lock_options *own, struct sfshm_lock *lock)
{
	int r;

	hold_of(lock)->map = NULL;
	hold_of(lock)->ctl = 0;
	r = sized_adopt(o, own);
	if (r)
		return r;
	if (!is_valid(key, len, *o))
		return -EINVAL;
	if (len > SFSHM_KEY_MAX)
		return -ENAMETOOLONG;
	*o = *o ? *o : &no_options;
	if ((*o)->why && (*o)->why_size)
		(*o)->why[0] = '\0';
	return 0;
}

int lock_ask(struct sfshm *h, const void *key, size_t len,
	     const struct sfshm_lock_options *o, struct sfshm_lock *lock,
	     struct polled *polled)
{
	hold_of(lock)->map = NULL;
	hold_of(lock)->ctl = 0;
	if (polled_is_closed(polled))
		return -ESHUTDOWN;
	if (o->flags & SFSHM_LOCK_DETACHED)
		return lock_for_process(h, key, len, o, hold_of(lock), polled);
	return lock_slowly(h, key, len, o, hold_of(lock), polled);
}

int sfshm_trylock(struct sfshm *h, const void *key, size_t len,
		  struct sfshm_lock *lock)
{
	static const struct sfshm_lock_options try = {
		.size = sizeof(try),
		.flags = SFSHM_LOCK_TRY,
	};

	return sfshm_lock(h, key, len, &try, lock);
}

static __attribute__((noinline)) int unlock_shared(struct hold *held,
						   struct peer *p)
{
	bool removed;

	removal_look_if_due(p->map);
	removed = removal_known(p->map);
	if (unlikely(removed))
		handle_warn_newcomers(p->map);
	lock_unshare(held);
	return removed ? -ESHUTDOWN : 0;
}

/* sfshm_unlock() for a lock that this thread has not taken for itself. */
static __attribute__((noinline)) int unlock_elsewhere(struct hold *held)
{
	if (lock_of_process(held))
		return detach_unlock(held);
	return held->cookie != process_cookie() ?
		       -ECHILD :
		       call_not_mine(held->map, held->life);
}

int sfshm_unlock(struct sfshm_lock *lock)
{
	struct hold *held = hold_of(lock);
	bool doubtful;
	struct peer *p;
	int r;

	if (unlikely(!lock))
		return -EINVAL;
	if (unlikely(!load_relaxed(&held->map)))
		return -ESTALE;
	p = peer_of(load_relaxed(&held->life));
	if (unlikely(!p))
		return unlock_elsewhere(held);
	rank_drop(p, held->rank);
	if (unlikely(held->word))
		return unlock_shared(held, p);
	doubtful = flight_is_doubtful(p->map, held->slot, held->ctl);
	if (unlikely(doubtful))
		handle_warn_newcomers(p->map);
	r = lock_release(held, p);
	return unlikely(doubtful) && !r ? -ESHUTDOWN : r;
}

void sfshm_lock_cleanup(struct sfshm_lock *lock)
{
	if (lock && load_relaxed(&hold_of(lock)->map))
		(void)sfshm_unlock(lock);
}

uint64_t sfshm_lock_generation(const struct sfshm_lock *lock)
{
	return lock ? ctl_gen(load_relaxed(&hold_of(lock)->ctl)) : 0;
}

int sfshm_lock_key(const struct sfshm_lock *lock, void *buffer, size_t size)
{
	const struct hold *held = hold_of(lock);
	uint8_t key[SFSHM_KEY_MAX];
	int n;

	if (!lock || (size && !buffer))
		return -EINVAL;
	if (!load_relaxed(&held->map))
		return -ESTALE;
	if (lock_of_process(held))
		return detach_lock_key(held, buffer, size);
	if (held->cookie != process_cookie())
		return -ECHILD;
	if (!peer_of(held->life))
		return call_not_mine(held->map, held->life);
	n = key_load(held->map, &held->map->slots[held->slot], key);
	if (n > 0 && size)
		memcpy(buffer, key, (size_t)n < size ? (size_t)n : size);
	return n;
}
