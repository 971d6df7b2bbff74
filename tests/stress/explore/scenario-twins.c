/* SPDX-License-Identifier: MIT */
/*
 * Two threads with one number, in two PID namespaces: ORACLE-3 is what matters.
 */
#include "peer/liveness.h"
#include "scene.h"

#define TWIN 7

static void attach(void)
{
	scene_attach();
}

static void attach_and_leave(void)
{
	scene_attach();
	scene_leave();
}

static void lead(void)
{
	scene_attach();
	scene_begin(&scene_led, 0, POLICY());
}

static void attach_and_lead(void)
{
	scene_attach();
	scene_begin(&scene_led, 1, POLICY());
	scene_publish(&scene_led);
}

/* The record that the first one has. */
static void examine(void)
{
	life_examine(&twin_map, 0);
}

const struct scenario scenario_twins_attach = {
	.name = "twins-attach",
	.what = "one attaches and leaves, its twin in another namespace leads",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "one", NULL, attach_and_leave, MAY_DIE, 1, TWIN },
		{ "twin", NULL, attach_and_lead, MAY_DIE, 2, TWIN },
	},
};

const struct scenario scenario_twins_examine = {
	.name = "twins-examine",
	.what = "a third examines one that dies, whose twin takes its record",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "one", lead, NULL, MAY_DIE, 1, TWIN },
		{ "examiner", attach, examine, MAY_DIE, 1, 0 },
		{ "twin", NULL, attach_and_lead, MAY_DIE, 2, TWIN },
	},
};

const struct scenario scenario_twins_reap = {
	.name = "twins-reap",
	.what = "a reaper whose number is its victim's twin's",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "one", lead, NULL, MAY_DIE, 1, TWIN },
		{ "reaper", attach, examine, MAY_DIE, 1, 0 },
		{ "twin", NULL, attach_and_lead, MAY_DIE, 2, TWIN },
		{ "taker", NULL, attach_and_leave, MAY_DIE, 1, 0 },
	},
};
