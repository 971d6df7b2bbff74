/* SPDX-License-Identifier: MIT */
/* Room: eviction, insertion in one bucket, pins, value memory. */
#include <errno.h>
#include <string.h>

#include "kernel.h"
#include "scene.h"
#include "store/pin.h"

#define KEPT .ttl_ms = FOREVER

static void attach(void)
{
	scene_attach();
}

static void fill(void)
{
	scene_attach();
	scene_do(5, POLICY(KEPT));
	scene_do(6, POLICY(KEPT));
}

static void fill_one(void)
{
	scene_attach();
	scene_do(5, POLICY(KEPT));
}

static void put(unsigned int key)
{
	int r = scene_do(key, POLICY(KEPT));

	/* An inserter that stops while it waits for room may be too late. */
	if (r < 0 && r != -ENOSPC)
		oracle_fail("P%d gets %d for key %u", fiber_current, r, key);
}

static void put_one(void)
{
	put(1);
}

static void put_two(void)
{
	put(2);
}

static void get_old(void)
{
	scene_get(5);
}

static void lead_new(void)
{
	scene_begin(&scene_led, 3, POLICY(KEPT));
	scene_publish(&scene_led);
}

/* A pinned value stays as it is until it is given back. */
static void pin_and_look(void)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t before, after;
	uint32_t ref = 0;
	struct call c = {
		.self = scene_self,
		.key = key_make(&twin_map, SHM_VALUE, oracle_key(5), 8),
		.policy = POLICY(),
		.result = &result,
		.pin = &ref,
		.pin_place = -1,
	};

	if (flight_peek(&c) != SFSHM_CACHED || !ref)
		return;
	copy_torn(&before, granule_at(&twin_map, ref - 1), 8);
	copy_torn(&after, granule_at(&twin_map, ref - 1) + 8, 8);
	if (before != after || before >> 56 != 6)
		oracle_fail("P%d has pinned key 5 and sees %llx %llx",
			    fiber_current, (unsigned long long)before,
			    (unsigned long long)after);
	pin_drop(scene_self, c.pin_place, ref);
}

static void refresh_twice(void)
{
	for (int i = 0; i < 2; i++)
		scene_do(5, POLICY(KEPT, .flags = SFSHM_REFRESH));
}

#define BOTH (MAY_DIE | MAY_STOP)

const struct scenario scenario_insert = {
	.name = "insert",
	.what = "two insert different keys into one bucket",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "inserter", attach, put_one, BOTH, 0, 0 },
		{ "inserter", attach, put_two, BOTH, 0, 0 },
	},
};

const struct scenario scenario_evict = {
	.name = "evict",
	.what = "two insert into a full table, one reads what must go",
	.slots = 2,
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "inserter", fill, put_one, BOTH, 0, 0 },
		{ "inserter", attach, put_two, BOTH, 0, 0 },
		{ "reader", attach, get_old, MAY_STOP, 0, 0 },
	},
};

const struct scenario scenario_reuse = {
	.name = "reuse",
	.what = "a slot is evicted and used again under a reader's feet",
	.slots = 1,
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "inserter", fill_one, lead_new, BOTH, 0, 0 },
		{ "reader", attach, get_old, BOTH, 0, 0 },
	},
};

const struct scenario scenario_pin = {
	.name = "pin",
	.what = "a value is pinned while it is made anew, twice",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "refresher", fill, refresh_twice, BOTH, 0, 0 },
		{ "pinner", attach, pin_and_look, BOTH, 0, 0 },
	},
};

const struct scenario scenario_pin_evict = {
	.name = "pin-evict",
	.what = "a value is pinned while its slot is evicted",
	.slots = 1,
	.granules = 2,
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "inserter", attach, put_one, BOTH, 0, 0 },
		{ "pinner", fill_one, pin_and_look, BOTH, 0, 0 },
	},
};
