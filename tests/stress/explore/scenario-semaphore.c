/* SPDX-License-Identifier: MIT */
/* Semaphores: key 6 is one, for one permit. */
#include <errno.h>

#include "scene.h"
#include "top/detach.h"

#define BOTH (MAY_DIE | MAY_STOP)

static uint32_t permit;
static struct semaphore sem;

static void attach(void)
{
	scene_attach();
}

static void find(void)
{
	struct key k = key_make(&twin_map, SHM_SEMAPHORE, oracle_key(6), 8);

	if (semaphore_find(scene_self, &k, &sem) != 1)
		oracle_fail("P%d does not find the semaphore", fiber_current);
}

static int make_for(unsigned int key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct shm_semaphore head;
	struct iovec iov[2];
	struct flight f;
	struct call c = {
		.self = scene_self,
		.key = key_make(&twin_map, SHM_SEMAPHORE, oracle_key(key), 8),
		.policy = POLICY(.ttl_ms = FOREVER, .flags = SFSHM_KEEP),
		.result = &result,
	};
	int r = flight_begin(&c, &f);

	semaphore_fresh(&head, 1, iov);
	return r == SFSHM_LEADER ? flight_publish(&f, scene_self, iov, 2) : r;
}

static void make(void)
{
	scene_attach();
	if (make_for(6))
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

static int acquire_known(void)
{
	static uint32_t closing;
	struct acquire a = {
		.self = scene_self,
		.s = &sem,
		.closing = &closing,
	};
	int r = semaphore_acquire(&a);

	permit = a.hint;
	if (!r)
		oracle_leads(6, 0);
	return r;
}

static void acquire(void)
{
	find();
	if (acquire_known())
		oracle_fail("P%d cannot have a permit", fiber_current);
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

static void make_and_find(void)
{
	make();
	find();
}

static void attach_and_find(void)
{
	scene_attach();
	find();
}

/* It has found the semaphore, which may be gone when it takes a permit. */
static void take_what_was_found(void)
{
	if (acquire_known())
		return;
	if (!semaphore_stands(&sem))
		oracle_fail("P%d has a permit of a semaphore that is gone",
			    fiber_current);
	give();
}

static void remove_what_was_found(void)
{
	scene_expect("a removal", semaphore_remove(scene_self, &sem), 0,
		     -EBUSY);
}

/* The segment has just the room for one, so it gets the other one's memory. */
static void make_another(void)
{
	scene_expect("a semaphore's maker", make_for(5), 0, -ENOSPC);
}

/* Nobody has taken a permit of the other one. */
static void other_is_untouched(void)
{
	struct key k = key_make(&twin_map, SHM_SEMAPHORE, oracle_key(5), 8);
	struct semaphore other;

	if (semaphore_find(scene_self, &k, &other) != 1)
		return;
	for (uint32_t i = 0; i < SHM_PERMITS; i++)
		if (load_seq(semaphore_word(&other, i)))
			oracle_fail("a taker writes to another semaphore");
}

const struct scenario scenario_semaphore_remove = {
	.name = "semaphore-remove",
	.what = "one is removed, a taker is late, its memory is used anew",
	.granules = 66,
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "taker", make_and_find, take_what_was_found, BOTH, 0, 0 },
		{ "remover", attach_and_find, remove_what_was_found, BOTH, 0,
		  0 },
		{ "maker", attach, make_another, 0, 0, 0 },
	},
	.check = other_is_untouched,
};

/* A permit of the process: its threads share it. */
static struct permit lent;

static void hold_for_all(void)
{
	make_and_hold();
	lent = (struct permit){
		.map = &twin_map,
		.life = scene_self->life,
		.cookie = scene_self->cookie,
		.word = semaphore_word(&sem, permit),
		.slot = sem.slot,
	};
	if (!detached_reserve())
		oracle_fail("P%d has no memory", fiber_current);
	else
		detach_permit(&scene_handle, 0, &sem, &lent);
}

static void give_for_all(void)
{
	oracle_ends(6);
	if (detach_release(&lent))
		oracle_fail("P%d cannot give back its process's permit",
			    fiber_current);
}

/*
 * The oracle does not know that the end of one thread gives back the permits
 * that are with that thread. So it is told that the process has none.
 */
static void hold_in_secret(void)
{
	hold_for_all();
	oracle_ends(6);
}

/* It takes its time, and the permit is given to it meanwhile, or lost. */
static void give_late(void)
{
	int r;

	scene_sleep(250 * MS);
	r = detach_release(&lent);
	scene_expect("a permit's end", r, 0, -ESTALE);
}

static void leave(void)
{
	scene_leave();
}

/* Its record may be one that a thread has just left. */
static void attach_and_acquire(void)
{
	scene_attach();
	acquire_and_give();
}

#define WITH_FIRST THREAD_OF(0)

const struct scenario scenario_semaphore_moved = {
	.name = "semaphore-moved",
	.what = "a thread gives back the permit of another one; one waits",
	.granules = 80,
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "taker", hold_for_all, NULL, MAY_DIE, 0, 0 },
		{ "giver", attach, give_for_all, MAY_STOP | WITH_FIRST, 0, 0 },
		{ "waiter", attach, acquire_and_give, BOTH, 0, 0 },
	},
};

const struct scenario scenario_semaphore_leave = {
	.name = "semaphore-leave",
	.what = "a thread ends as another one gives its permit back; one waits",
	.granules = 80,
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "taker", hold_for_all, leave, BOTH, 0, 0 },
		{ "giver", attach, give_for_all, MAY_STOP | WITH_FIRST, 0, 0 },
		{ "waiter", attach, acquire_and_give, BOTH, 0, 0 },
	},
};

const struct scenario scenario_semaphore_hand = {
	.name = "semaphore-hand",
	.what = "a thread gives its permit to one that ends; one takes records",
	.granules = 80,
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "taker", hold_in_secret, leave, MAY_EXIT, 0, 0 },
		{ "receiver", attach, give_late, MAY_EXIT | WITH_FIRST, 0, 0 },
		{ "asker", NULL, attach_and_acquire, 0, 0, 0 },
	},
};
