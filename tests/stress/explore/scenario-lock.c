/* SPDX-License-Identifier: MIT */
/* Keyed locks and semaphores. */
#include <errno.h>

#include "scene.h"

static struct hold held;

static void attach(void)
{
	scene_attach();
}

static int lock(void)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	static uint32_t closing;
	struct call c = {
		.self = scene_self,
		.key = key_make(&twin_map, SHM_LOCK, oracle_key(7), 8),
		.policy = POLICY(),
		.result = &result,
		.closing = &closing,
	};
	int r = lock_take_idle(scene_self, &c.key, 0, &held);

	if (r == AGAIN)
		r = lock_take(&c, &held);
	if (r >= 0) {
		oracle_leads(7, 0);
		oracle_locked(r == 1);
	}
	return r;
}

static void unlock(void)
{
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

static uint32_t permit;
static struct semaphore sem;

static void find(void)
{
	struct key k = key_make(&twin_map, SHM_SEMAPHORE, oracle_key(6), 8);

	if (semaphore_find(scene_self, &k, &sem) != 1)
		oracle_fail("P%d does not find the semaphore", fiber_current);
}

static void make(void)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct shm_semaphore head;
	struct iovec iov[2];
	struct flight f;
	struct call c = {
		.self = scene_attach(),
		.key = key_make(&twin_map, SHM_SEMAPHORE, oracle_key(6), 8),
		.policy = POLICY(.ttl_ms = FOREVER, .flags = SFSHM_KEEP),
		.result = &result,
	};

	semaphore_fresh(&head, 1, iov);
	if (flight_begin(&c, &f) != SFSHM_LEADER ||
	    flight_publish(&f, scene_self, iov, 2))
		oracle_fail("the semaphore cannot be made");
}

static void give(void)
{
	oracle_ends(6);
	if (semaphore_give_back(scene_self, sem.slot,
				semaphore_word(&sem, permit)))
		oracle_fail("P%d has a permit and cannot give it back",
			    fiber_current);
}

static void linger_and_give(void)
{
	scene_sleep(250 * MS);
	give();
}

static void acquire(void)
{
	static uint32_t closing;
	struct acquire a = {
		.self = scene_self,
		.s = &sem,
		.closing = &closing,
	};

	find();
	if (semaphore_acquire(&a)) {
		oracle_fail("P%d cannot have a permit", fiber_current);
		return;
	}
	permit = a.hint;
	oracle_leads(6, 0);
}

static void make_and_hold(void)
{
	make();
	acquire();
}

static void acquire_and_give(void)
{
	acquire();
	give();
}

const struct scenario scenario_semaphore = {
	.name = "semaphore",
	.what = "one gives the only permit back, one waits for it",
	.granules = 80,
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "holder", make_and_hold, give, BOTH, 0, 0 },
		{ "waiter", attach, acquire_and_give, BOTH, 0, 0 },
	},
};

const struct scenario scenario_semaphore_dead = {
	.name = "semaphore-dead",
	.what = "the only permit's holder dies, two wait for it",
	.granules = 80,
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "holder", make_and_hold, linger_and_give, MAY_DIE, 0, 0 },
		{ "waiter", attach, acquire_and_give, BOTH, 0, 0 },
		{ "waiter", attach, acquire_and_give, BOTH, 0, 0 },
	},
};
