/* SPDX-License-Identifier: MIT */
/* Values that are stored without having led their key. */
#include <errno.h>

#include "scene.h"

#define KEPT .ttl_ms = FOREVER
#define BOTH (MAY_DIE | MAY_STOP)

static void attach(void)
{
	scene_attach();
}

static void lead(void)
{
	scene_attach();
	scene_begin(&scene_led, 0, POLICY(KEPT));
}

static void refresh(void)
{
	scene_attach();
	scene_do(0, POLICY(KEPT));
	scene_begin(&scene_led, 0, POLICY(KEPT, .flags = SFSHM_REFRESH));
}

static void publish(void)
{
	scene_publish(&scene_led);
}

/* It may lead when the leader has died, and is robbed then. */
static void ask(void)
{
	int r = scene_do(0, POLICY(KEPT));

	if (r < 0 && r != -ESTALE)
		oracle_fail("P%d asks, and gets %d", fiber_current, r);
}

static void put(void)
{
	int r = scene_put(0, NULL);

	if (r && r != -EBUSY && r != -ESTALE)
		oracle_fail("P%d puts, and gets %d", fiber_current, r);
	if (!r && scene_get(0) != SFSHM_CACHED)
		oracle_fail("P%d has put a value that is not there",
			    fiber_current);
}

/* Of those who want there to be no value, one at most has stored its own. */
static void put_if_none(void)
{
	static const uint64_t none;
	int r = scene_put(0, &none);

	if (r && r != -EBUSY && r != -ESTALE)
		oracle_fail("P%d puts, and gets %d", fiber_current, r);
	if (!r && (scene_get(0) != SFSHM_CACHED ||
		   scene_publisher() != fiber_current))
		oracle_fail("P%d put a value for none, and it is not there",
			    fiber_current);
}

static uint64_t first;

static void know_first(void)
{
	scene_attach();
	first = scene_generation(0);
}

static void keep_first(void)
{
	scene_attach();
	scene_do(0, POLICY(KEPT));
	first = scene_generation(0);
}

static void put_over_first(void)
{
	int r = scene_put(0, &first);

	if (r && r != -EBUSY && r != -ESTALE)
		oracle_fail("P%d puts, and gets %d", fiber_current, r);
}

static void get_any(void)
{
	int r = scene_get(0);

	if (r != SFSHM_CACHED)
		oracle_fail("P%d gets %d, but one value follows another",
			    fiber_current, r);
}

const struct scenario scenario_put = {
	.name = "put",
	.what = "a leader is robbed by a put, its follower waits",
	.budget = 2,
	/* A putter that dies before it wakes the followers costs a slice. */
	.deaths_told = 0,
	.role = {
		{ "leader", lead, publish, BOTH, 0, 0 },
		{ "putter", attach, put, BOTH, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_put_twice = {
	.name = "put-twice",
	.what = "two put over a refresher's value",
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "refresher", refresh, publish, BOTH, 0, 0 },
		{ "putter", attach, put, BOTH, 0, 0 },
		{ "putter", attach, put, BOTH, 0, 0 },
	},
};

const struct scenario scenario_put_over = {
	.name = "put-over",
	.what = "two put over one value, a third always finds a value",
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "putter", keep_first, put_over_first, MAY_DIE, 0, 0 },
		{ "putter", know_first, put_over_first, MAY_DIE, 0, 0 },
		{ "reader", attach, get_any, MAY_DIE, 0, 0 },
	},
};

const struct scenario scenario_put_if = {
	.name = "put-if",
	.what = "two put if there is no value, one leads",
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "leader", lead, publish, BOTH, 0, 0 },
		{ "putter", attach, put_if_none, BOTH, 0, 0 },
		{ "putter", attach, put_if_none, BOTH, 0, 0 },
	},
};
