/* SPDX-License-Identifier: MIT */
/* Attaching, leaving, reaping, forking. */
#include "kernel.h"
#include "scene.h"

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
	scene_begin(&scene_led, 0, POLICY(.ttl_ms = FOREVER));
}

static void linger(void)
{
	scene_sleep(250 * MS);
	scene_publish(&scene_led);
}

static void reap(void)
{
	peer_examine_all(&twin_map);
	peer_reap_all(&twin_map);
}

static void attach_and_ask(void)
{
	scene_attach();
	scene_do(0, POLICY(.ttl_ms = FOREVER));
	scene_leave();
}

/* The child has nothing of what its parent has. */
static void fork_and_publish(void)
{
	kernel_fork(1);
	scene_publish(&scene_led);
	scene_leave();
}

static void leave(void)
{
	scene_leave();
}

#define BOTH (MAY_DIE | MAY_STOP)

const struct scenario scenario_attach = {
	.name = "attach",
	.what = "two attach and leave, in one place",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "one", NULL, attach_and_leave, BOTH, 0, 0 },
		{ "other", NULL, attach_and_leave, BOTH, 0, 0 },
	},
};

const struct scenario scenario_reap = {
	.name = "reap",
	.what = "a leader dies, one reaps it, one takes its record",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, linger, MAY_DIE, 0, 0 },
		{ "reaper", attach, reap, BOTH, 0, 0 },
		{ "newcomer", NULL, attach_and_ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_leave = {
	.name = "leave",
	.what = "a leader leaves without an end, one waits",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, leave, BOTH, 0, 0 },
		{ "asker", NULL, attach_and_ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_fork = {
	.name = "fork",
	.what = "a leader forks; its child asks for what it leads",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "parent", lead, fork_and_publish, BOTH, 0, 0 },
		{ "child", NULL, attach_and_ask, BOTH | FORKED, 0, 0 },
	},
};
