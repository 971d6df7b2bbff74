/* SPDX-License-Identifier: MIT */
/*
 * Values that carry a tag, while what they are made from changes: ORACLE-8.
 */
#include "scene.h"

#define KEPT .ttl_ms = FOREVER
#define BOTH (MAY_DIE | MAY_STOP)

static void attach(void)
{
	scene_attach();
}

static void ask(void)
{
	uint8_t told = world.told;
	int r = scene_begin(&scene_led, 0, POLICY(KEPT));

	if (r == SFSHM_CACHED || r == SFSHM_AWAITED) {
		if (scene_source() < told)
			oracle_fail("P%d gets a value of version %u after "
				    "version %u was told",
				    fiber_current, scene_source(), told);
		return;
	}
	scene_expect("begin", r, SFSHM_LEADER, SFSHM_LEADER);
	scene_tag(&scene_led);
	scene_publish(&scene_led);
}

static void lead(void)
{
	scene_attach();
	scene_begin(&scene_led, 0, POLICY(KEPT));
	scene_tag(&scene_led);
}

static void ask_first(void)
{
	scene_attach();
	ask();
}

static void publish(void)
{
	scene_publish(&scene_led);
}

static void refresh(void)
{
	int r = scene_begin(&scene_led, 0,
			    POLICY(KEPT, .flags = SFSHM_REFRESH));

	if (r != SFSHM_LEADER)
		return;
	scene_tag(&scene_led);
	scene_publish(&scene_led);
}

static void change(void)
{
	scene_change_source();
	ask();
}

const struct scenario scenario_tag = {
	.name = "tag",
	.what = "a tag is invalidated as its value is published and read",
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "leader", lead, publish, BOTH, 0, 0 },
		{ "invalidator", attach, change, BOTH, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_tag_twice = {
	.name = "tag-twice",
	.what = "a tag is invalidated twice as its value is refreshed",
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "refresher", ask_first, refresh, BOTH, 0, 0 },
		{ "invalidator", attach, change, BOTH, 0, 0 },
		{ "invalidator", attach, change, BOTH, 0, 0 },
	},
};
