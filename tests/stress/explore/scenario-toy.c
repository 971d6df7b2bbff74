/* SPDX-License-Identifier: MIT */
/*
 * Toys with known faults show that the explorer finds what it looks for. It
 * does not run them by default.
 */
#include <limits.h>

#include "os/sys.h"
#include "peer/wait.h"
#include "scene.h"

static uint64_t *count(void)
{
	return &twin_map.cold[3].started;
}

static uint32_t *event(void)
{
	return &twin_map.cold[3].event;
}

static void attach(void)
{
	scene_attach();
}

/* Two who do this at once may count as one. */
static void add_carelessly(void)
{
	store_seq(count(), load_seq(count()) + 1);
}

static void both_counted(void)
{
	if (load_seq(count()) != 2)
		oracle_fail("counted %llu",
			    (unsigned long long)load_seq(count()));
}

/* A thread that dies in between holds it for good. */
static void lock_and_unlock(void)
{
	while (!cas_seq(event(), 0, 1))
		sys.wait(event(), 1, NULL);
	store_seq(count(), 1);
	store_seq(event(), 0);
	sys.wake(event(), INT_MAX);
}

/* The wake may come between its look and its sleep. */
static void wait_carelessly(void)
{
	struct timespec until = {
		.tv_sec = (time_t)(world.now / NS_PER_S) + 1,
	};

	if (!load_seq(count()))
		sys.wait(event(), load_seq(event()), &until);
}

static void tell(void)
{
	store_seq(count(), 1);
	fetch_add_acq_rel(event(), 1);
	sys.wake(event(), INT_MAX);
}

/* The first store is seen first only if the orders say so. */
static void write_relaxed(void)
{
	store_relaxed(count(), 1);
	store_relaxed(event(), 1);
}

static void read_acquire(void)
{
	if (load_acquire(event()) && !load_relaxed(count()))
		oracle_fail("P%d sees what came second alone", fiber_current);
}

const struct scenario scenario_toy_count = {
	.name = "toy-count",
	.what = "two add without a compare-and-swap",
	.budget = 1,
	.toy = true,
	.role = {
		{ "adder", attach, add_carelessly, 0, 0, 0 },
		{ "adder", attach, add_carelessly, 0, 0, 0 },
	},
	.check = both_counted,
};

const struct scenario scenario_toy_lock = {
	.name = "toy-lock",
	.what = "a lock that its dead holder keeps",
	.budget = 1,
	.toy = true,
	.role = {
		{ "locker", attach, lock_and_unlock, MAY_DIE, 0, 0 },
		{ "locker", attach, lock_and_unlock, 0, 0, 0 },
	},
};

const struct scenario scenario_toy_wake = {
	.name = "toy-wake",
	.what = "a wake that comes before the sleep",
	.budget = 1,
	.toy = true,
	.role = {
		{ "waiter", attach, wait_carelessly, 0, 0, 0 },
		{ "waker", attach, tell, 0, 0, 0 },
	},
};

const struct scenario scenario_toy_order = {
	.name = "toy-order",
	.what = "two relaxed stores that come in the other order",
	.budget = 1,
	.toy = true,
	.role = {
		{ "writer", attach, write_relaxed, 0, 0, 0 },
		{ "reader", attach, read_acquire, 0, 0, 0 },
	},
};
