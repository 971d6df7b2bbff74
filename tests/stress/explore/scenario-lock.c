/* SPDX-License-Identifier: MIT */
/* Keyed locks. */
#include <errno.h>

#include "scene.h"
#include "top/detach.h"

static struct hold held;

static void attach(void)
{
	scene_attach();
}

/* Takes the lock, shared or alone. */
static int take(bool shared)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	static uint32_t closing;
	struct call c = {
		.self = scene_self,
		.key = key_make(&twin_map, SHM_LOCK, oracle_key(7), 8),
		.policy = POLICY(),
		.result = &result,
		.closing = &closing,
		.shares = shared ? &held : NULL,
	};
	int r = shared ? lock_share_idle(scene_self, &c.key, 0, &held) :
			 lock_take_idle(scene_self, &c.key, 0, &held);

	return r == AGAIN ? lock_take(&c, &held) : r;
}

static int lock(void)
{
	int r = take(false);

	if (r >= 0) {
		oracle_leads(7, 0);
		oracle_locked(r == 1);
	}
	return r;
}

/* Others may run here, while it holds the lock. */
static void work(void)
{
	if (load_seq(&twin_map.slots[held.slot].ctl) != held.ctl && !held.word)
		oracle_fail("P%d holds the lock, and its slot says otherwise",
			    fiber_current);
}

static void unlock(void)
{
	work();
	oracle_ends(7);
	if (lock_release(&held, scene_self))
		oracle_fail("P%d held the lock and cannot give it back",
			    fiber_current);
}

static void linger_and_unlock(void)
{
	scene_sleep(250 * MS);
	unlock();
}

static void hold(void)
{
	scene_attach();
	lock();
}

static void take_and_give(void)
{
	if (lock() < 0)
		oracle_fail("P%d cannot have the lock", fiber_current);
	else
		unlock();
}

#define BOTH (MAY_DIE | MAY_STOP)

const struct scenario scenario_lock = {
	.name = "lock",
	.what = "one gives a lock back, one waits for it",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "holder", hold, unlock, BOTH, 0, 0 },
		{ "waiter", attach, take_and_give, BOTH, 0, 0 },
	},
};

const struct scenario scenario_lock_dead = {
	.name = "lock-dead",
	.what = "a lock's holder dies, two wait for it",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "holder", hold, linger_and_unlock, MAY_DIE, 0, 0 },
		{ "waiter", attach, take_and_give, BOTH, 0, 0 },
		{ "waiter", attach, take_and_give, BOTH, 0, 0 },
	},
};

static void reap(void)
{
	peer_reap_all(&twin_map);
}

const struct scenario scenario_lock_reaped = {
	.name = "lock-reaped",
	.what = "a lock's holder dies, one reaps it, one takes the lock",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "holder", hold, linger_and_unlock, MAY_DIE, 0, 0 },
		{ "reaper", attach, reap, BOTH, 0, 0 },
		{ "taker", attach, take_and_give, BOTH, 0, 0 },
	},
};

static void share(void)
{
	if (take(true) < 0)
		oracle_fail("P%d cannot share the lock", fiber_current);
	else
		oracle_shares(7, true);
}

static void give_share(void)
{
	work();
	oracle_shares(7, false);
	lock_unshare(&held);
}

static void hold_shared(void)
{
	scene_attach();
	share();
}

static void linger_and_give_share(void)
{
	scene_sleep(250 * MS);
	give_share();
}

static void share_and_give(void)
{
	share();
	give_share();
}

const struct scenario scenario_lock_shared = {
	.name = "lock-shared",
	.what = "one shares a lock, one wants it alone, one comes to share it",
	.budget = 3,
	.deaths_told = 1,
	.role = {
		{ "sharer", hold_shared, give_share, BOTH, 0, 0 },
		{ "writer", attach, take_and_give, BOTH, 0, 0 },
		{ "sharer", attach, share_and_give, BOTH, 0, 0 },
	},
};

const struct scenario scenario_lock_shared_dead = {
	.name = "lock-shared-dead",
	.what = "one that shares a lock dies, two want it alone",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "sharer", hold_shared, linger_and_give_share, MAY_DIE, 0, 0 },
		{ "writer", attach, take_and_give, BOTH, 0, 0 },
		{ "writer", attach, take_and_give, BOTH, 0, 0 },
	},
};

/* A lock of the process: its threads share `held`. */
static void hold_for_all(void)
{
	scene_attach();
	if (!detached_reserve() || lock() < 0)
		oracle_fail("P%d cannot have the lock", fiber_current);
	else
		detach_lock(&scene_handle, 0, &held);
}

static void unlock_for_all(void)
{
	oracle_ends(7);
	if (detach_unlock(&held))
		oracle_fail("P%d cannot give back its process's lock",
			    fiber_current);
}

/* Of two that unlock, one does. */
static unsigned int tried, won;

static void unlock_first(void)
{
	struct hold mine = held;
	int r = detach_unlock(&mine);

	if (!r)
		oracle_ends(7);
	won += !r;
	if (++tried == 2 && won != 1)
		oracle_fail("P%d is the second that unlocks, and %u did",
			    fiber_current, won);
}

static void leave(void)
{
	scene_leave();
}

#define WITH_FIRST THREAD_OF(0)

const struct scenario scenario_lock_moved = {
	.name = "lock-moved",
	.what = "a thread unlocks what another one took; one waits",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "taker", hold_for_all, NULL, MAY_DIE, 0, 0 },
		{ "unlocker", attach, unlock_for_all, MAY_STOP | WITH_FIRST, 0,
		  0 },
		{ "waiter", attach, take_and_give, BOTH, 0, 0 },
	},
};

const struct scenario scenario_lock_leave = {
	.name = "lock-leave",
	.what = "a thread ends as another one unlocks its lock; one waits",
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "taker", hold_for_all, leave, BOTH, 0, 0 },
		{ "unlocker", attach, unlock_for_all, MAY_STOP | WITH_FIRST, 0,
		  0 },
		{ "waiter", attach, take_and_give, BOTH, 0, 0 },
	},
};

const struct scenario scenario_lock_two = {
	.name = "lock-two",
	.what = "two threads unlock one lock",
	.budget = 3,
	.deaths_told = 0,
	.role = {
		{ "taker", hold_for_all, unlock_first, BOTH, 0, 0 },
		{ "unlocker", attach, unlock_first, MAY_STOP | WITH_FIRST, 0,
		  0 },
	},
};
