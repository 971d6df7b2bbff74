/* SPDX-License-Identifier: MIT */
#include "top/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <urcu/urcu-bp.h>

#include "os/sys.h"
#include "top/polling.h"
#include "top/succession.h"

/*
 * Closed handles, the oldest first; guarded by handle_lock. The oldest is
 * reused once there are more than KEPT_CLOSED.
 */
#define KEPT_CLOSED 1024
static struct sfshm *closed, **closed_end = &closed;
static uint32_t closed_count;

static uint32_t any_follows; /* 1: a handle of this process follows forks */
static uint64_t forked;      /* the cookie of the last child noted */

static struct sfshm *take_closed(void)
{
	struct sfshm *h = closed;

	closed = h->next_closed;
	closed_count--;
	return h;
}

static void keep_closed(struct sfshm *h)
{
	h->next_closed = NULL;
	*closed_end = h;
	closed_end = &h->next_closed;
	closed_count++;
}

int handle_make(struct sfshm **out, struct mapping *map, bool follows)
{
	struct sfshm *h = closed_count > KEPT_CLOSED ? take_closed() :
						       calloc(1, sizeof(*h));

	if (!h) {
		mapping_drop_handle(map);
		return -ENOMEM;
	}
	h->follows = follows;
	h->shared = false;
	h->anew = NULL;
	if (follows) {
		store_relaxed(&map->followed, true);
		store_relaxed(&any_follows, 1);
	}
	store_relaxed(&h->cookie, process_cookie());
	rcu_assign_pointer(h->map, map);
	store_release(&h->magic, HANDLE_OPEN);
	*out = h;
	return 0;
}

void handle_discard(struct sfshm *h)
{
	store_release(&h->magic, HANDLE_CLOSED);
	mapping_drop_handle(h->map);
	h->map = NULL;
	pthread_mutex_lock(&handle_lock);
	keep_closed(h);
	pthread_mutex_unlock(&handle_lock);
}

/* Also looks at the namespaces now, because /proc may be out of reach later. */
void handle_note_fork(void)
{
	if (!load_relaxed(&any_follows))
		return;
	store_relaxed(&forked, process_cookie());
	process_pid_ns();
	process_time_ns();
}

static int inherit_locked(struct sfshm *h, struct mapping **old)
{
	struct mapping *map;
	int r;

	*old = NULL;
	if (load_relaxed(&h->cookie) == process_cookie())
		return 0;
	if (!h->map)
		return -EBADF;
	r = mapping_inherit(&map, h->map);
	if (r)
		return r;
	*old = h->map;
	rcu_assign_pointer(h->map, map);
	/* ORDER-H4 pairs ORDER-H3 */
	store_release(&h->cookie, process_cookie());
	return 0;
}

/* Makes the handle this process's own, if it follows forks. */
static int inherit(struct sfshm *h)
{
	struct mapping *old;
	int state, r;

	if (!process_cookie())
		return -ENOMEM;
	if (!h->follows || load_relaxed(&forked) != process_cookie())
		return -ECHILD;
	state = uncancelled_begin();
	pthread_mutex_lock(&handle_lock);
	r = inherit_locked(h, &old);
	pthread_mutex_unlock(&handle_lock);
	if (old)
		mapping_drop_handle(old);
	uncancelled_end(state);
	return r;
}

int handle_enter_slow(struct sfshm *h, struct peer **out)
{
	struct mapping *map;
	int r = 0;

	if (!h || load_acquire(&h->magic) != HANDLE_OPEN)
		return -EBADF;
	/* ORDER-H3 pairs ORDER-H4 */
	if (unlikely(load_acquire(&h->cookie) != process_cookie()))
		r = inherit(h);
	if (r)
		return r;
	/* ORDER-H1 pairs ORDER-H2 */
	urcu_bp_read_lock();
	map = rcu_dereference(h->map);
	if (map && !mapping_get(map))
		map = NULL;
	urcu_bp_read_unlock();
	if (!map)
		return -EBADF;
	r = peer_attach(map, out);
	mapping_put(map);
	return r;
}

/*
 * If the process has only one handle of the segment, detaches the calling
 * thread from the segment, and from its predecessor if no other handle needs
 * the predecessor.
 */
static void detach_if_last(struct mapping *map)
{
	struct mapping *old;

	if (!mapping_last_handle(map))
		return;
	old = mapping_predecessor(map);
	if (old) {
		detach_if_last(old);
		mapping_put(old);
	}
	peer_detach(map);
}

/*
 * Drops the mappings that a handle has retired; if the handle is being closed,
 * also detaches the calling thread from them. A thread inside an RCU read-side
 * section of its program cannot wait for a grace period, so it leaves these
 * mappings to a later call. Called without handle_lock, because a thread inside
 * such a section may be waiting for that lock.
 */
static void drop_retired(struct sfshm *h, bool closing)
{
	struct retired_mapping *retired;

	if (!load_relaxed(&h->retired) || urcu_bp_read_ongoing())
		return;
	pthread_mutex_lock(&handle_lock);
	retired = h->retired;
	store_relaxed(&h->retired, NULL);
	pthread_mutex_unlock(&handle_lock);
	if (!retired)
		return;
	urcu_bp_synchronize_rcu();
	while (retired) {
		struct retired_mapping *one = retired;

		retired = one->next;
		if (closing)
			detach_if_last(one->map);
		mapping_drop_handle(one->map);
		free(one);
	}
}

static int follow_locked(struct sfshm *h)
{
	struct mapping *map = h->map, *next;
	struct retired_mapping *retired;
	int r;

	if (!map || !handle_moved(map))
		return 0;
	retired = malloc(sizeof(*retired));
	if (!retired)
		return -ENOMEM;
	r = succession_next(map, h->anew, &next);
	if (r) {
		free(retired);
		return r;
	}
	if (h->follows)
		store_relaxed(&next->followed, true);
	rcu_assign_pointer(h->map, next);
	retired->map = map;
	retired->next = h->retired;
	store_relaxed(&h->retired, retired);
	return 0;
}

int handle_follow(struct sfshm *h, struct peer **out)
{
	int state = uncancelled_begin();
	int r;

	pthread_mutex_lock(&handle_lock);
	r = follow_locked(h);
	pthread_mutex_unlock(&handle_lock);
	if (!r)
		drop_retired(h, false);
	uncancelled_end(state);
	return r ? r : handle_enter(h, out);
}

int sfshm_close(struct sfshm *h)
{
	struct mapping *map;
	int state;

	if (h && load_acquire(&h->magic) == HANDLE_OPEN && h->shared)
		return -EPERM;
	if (!h || !cas_acq_rel(&h->magic, HANDLE_OPEN, HANDLE_CLOSED))
		return -EBADF;
	state = uncancelled_begin();
	/* Another thread may be in handle_follow() with this handle. */
	pthread_mutex_lock(&handle_lock);
	map = rcu_xchg_pointer(&h->map, NULL);
	pthread_mutex_unlock(&handle_lock);
	if (load_relaxed(&h->cookie) == process_cookie()) {
		fetch_add_acq_rel(&h->closing, 1);
		sys.wake(&h->closing, INT32_MAX);
		polling_end_waits_of(&h->closing);
		/* ORDER-H2 pairs ORDER-H1 */
		urcu_bp_synchronize_rcu();
	}
	drop_retired(h, true);
	detach_if_last(map);
	mapping_drop_handle(map);
	pthread_mutex_lock(&handle_lock);
	keep_closed(h);
	pthread_mutex_unlock(&handle_lock);
	uncancelled_end(state);
	return 0;
}
