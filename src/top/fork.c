/* SPDX-License-Identifier: MIT */
#include "top/fork.h"

#include <errno.h>
#include <pthread.h>
#include <urcu/urcu-bp.h>

#include "peer/wait.h"
#include "store/arena.h"
#include "store/evict.h"
#include "store/limbo.h"
#include "sync/detached.h"
#include "sync/flight.h"
#include "top/handle.h"
#include "top/heartbeat.h"
#include "top/polling.h"
#include "top/succession.h"

/*
 * Around a fork, the forking thread holds the locks of the library, so that the
 * child finds none of them locked. It does not hold the locks of fleets and of
 * queues' sockets, which a child never takes. The handlers may be registered
 * more than once: in each fork the first handler to run takes the locks, and
 * the last one releases them.
 */
static __thread uint32_t forking;

static void before_fork(void)
{
	if (forking++)
		return;
	heartbeat_fork_lock();
	pthread_mutex_lock(&handle_lock);
	mapping_fork_lock();
	pthread_mutex_lock(&peer_lock);
	polling_fork_lock();
	urcu_bp_before_fork();
}

static void unlock_after_fork(void)
{
	polling_fork_unlock();
	pthread_mutex_unlock(&peer_lock);
	mapping_fork_unlock();
	pthread_mutex_unlock(&handle_lock);
	heartbeat_fork_unlock();
}

static void after_fork_parent(void)
{
	if (--forking)
		return;
	urcu_bp_after_fork_parent();
	unlock_after_fork();
}

static void after_fork_child(void)
{
	if (--forking)
		return;
	urcu_bp_after_fork_child();
	peer_forget_mutexes();
	wait_unrest();
	heartbeat_forget();
	handle_note_fork();
	detached_forget();
	polling_forget();
	peer_list = NULL;
	unlock_after_fork();
}

/*
 * Also sets the function pointers through which lower source levels (peer,
 * store, sync) call higher ones.
 */
int fork_prepare(void)
{
	static uint32_t prepared;

	if (likely(load_acquire(&prepared)))
		return 0;
	store_relaxed(&peer_sweep, flight_sweep);
	store_relaxed(&peer_owns, flight_owns_noted);
	store_relaxed(&arena_reclaim, evict_for_memory);
	store_relaxed(&arena_harvest, limbo_harvest);
	store_relaxed(&detached_polled, polling_waits_at);
	/* If process_cookie() has a fork handler, it must run before ours. */
	if (!process_cookie() ||
	    pthread_atfork(before_fork, after_fork_parent, after_fork_child))
		return -ENOMEM;
	store_release(&prepared, 1);
	return 0;
}
