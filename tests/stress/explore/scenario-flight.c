/* SPDX-License-Identifier: MIT */
/* Leading, following, taking over, stealing; one key. */
#include <errno.h>

#include "scene.h"

#define KEPT .ttl_ms = FOREVER

static void attach(void)
{
	scene_attach();
}

static void lead(void)
{
	scene_attach();
	scene_begin(&scene_led, 0, POLICY(KEPT));
}

static void lead_for_a_while(void)
{
	scene_attach();
	scene_begin(&scene_led, 0, POLICY(KEPT, .lock_age_ms = 50));
}

static void have_it_cached(void)
{
	scene_attach();
	scene_do(0, POLICY(KEPT));
}

static void lead_anew(void)
{
	have_it_cached();
	scene_begin(&scene_led, 0, POLICY(KEPT, .flags = SFSHM_REFRESH));
}

static void publish(void)
{
	scene_publish(&scene_led);
}

/* It lives, and takes its time: two slices of those who wait. */
static void linger(void)
{
	scene_sleep(250 * MS);
	scene_publish(&scene_led);
}

static void fail(void)
{
	scene_fail(&scene_led, 5);
}

static void release(void)
{
	scene_release(&scene_led);
}

static void ask(void)
{
	int r = scene_do(0, POLICY(KEPT));

	/* ... or its flight was taken from it. */
	if (r < 0 && r != -EREMOTEIO && r != -ESTALE)
		oracle_fail("P%d asks and gets %d", fiber_current, r);
}

static void ask_twice(void)
{
	ask();
	ask();
}

static void refresh(void)
{
	scene_do(0, POLICY(KEPT, .flags = SFSHM_REFRESH));
}

static void ask_and_work(void)
{
	if (scene_begin(&scene_led, 0, POLICY(KEPT)) != SFSHM_LEADER)
		return;
	scene_sleep(250 * MS);
	scene_publish(&scene_led);
}

/* It never leads: a wake for one that is to lead must reach another one. */
static void wait_only(void)
{
	scene_do(0, POLICY(KEPT, .flags = SFSHM_FOLLOW));
}

static void get(void)
{
	scene_get(0);
}

static void invalidate_hard(void)
{
	scene_invalidate(0, SFSHM_HARD);
}

static void invalidate_soft(void)
{
	scene_invalidate(0, 0);
}

static void forget(void)
{
	scene_forget(0);
}

#define BOTH (MAY_DIE | MAY_STOP)

const struct scenario scenario_first = {
	.name = "first",
	.what = "two ask for a key that nobody knows, and publish it",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "asker", attach, ask, BOTH, 0, 0 },
		{ "asker", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_publish = {
	.name = "publish",
	.what = "a leader publishes, one waits for it",
	.budget = 3,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, publish, BOTH, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_crowd = {
	.name = "crowd",
	.what = "a leader publishes, two wait for it",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, publish, BOTH, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_fail = {
	.name = "fail",
	.what = "a leader fails, one waits for it",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, fail, BOTH, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_release = {
	.name = "release",
	.what = "a leader gives up, two wait: one of them leads",
	.budget = 2,
	/*
	 * A claimant that dies before its wake (WAIT-5) costs a slice (WAIT-4).
	 */
	.deaths_told = 0,
	.role = {
		{ "leader", lead, release, BOTH, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_release_wait = {
	.name = "release-wait",
	.what = "a leader gives up, one waits that never leads, one that does",
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "leader", lead, release, BOTH, 0, 0 },
		{ "waiter", attach, wait_only, BOTH, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_succession = {
	.name = "succession",
	.what = "a leader gives up, who leads next dies at work, one waits",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, release, MAY_STOP, 0, 0 },
		{ "follower", attach, ask, MAY_STOP, 0, 0 },
		{ "successor", attach, ask_and_work, MAY_DIE_AT_WORK, 0, 0 },
	},
};

const struct scenario scenario_takeover = {
	.name = "takeover",
	.what = "a leader at work dies, two wait: one of them leads",
	.budget = 2,
	.deaths_told = 2,
	.role = {
		{ "leader", lead, linger, MAY_DIE, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
		{ "follower", attach, ask, MAY_DIE, 0, 0 },
	},
};

const struct scenario scenario_steal = {
	.name = "steal",
	.what = "a leader past its time publishes late, one takes the flight",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "leader", lead_for_a_while, publish, BOTH, 0, 0 },
		{ "thief", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_refresh = {
	.name = "refresh",
	.what = "a value is made anew, twice, while one reads it",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "refresher", have_it_cached, refresh, BOTH, 0, 0 },
		{ "refresher", attach, refresh, BOTH, 0, 0 },
		{ "reader", attach, get, 0, 0, 0 },
	},
};

const struct scenario scenario_reread = {
	.name = "reread",
	.what = "a value is read while its flight ends and the next one begins",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "leader", lead_anew, publish, 0, 0, 0 },
		{ "refresher", attach, refresh, 0, 0, 0 },
		{ "reader", attach, get, 0, 0, 0 },
	},
};

const struct scenario scenario_hard = {
	.name = "invalidate-hard",
	.what = "a flight under way is invalidated, hard; one asks",
	.budget = 2,
	/* An invalidator that dies before its wake costs a slice (WAIT-4). */
	.deaths_told = 0,
	.role = {
		{ "leader", lead, publish, BOTH, 0, 0 },
		{ "invalidator", attach, invalidate_hard, BOTH, 0, 0 },
		{ "asker", attach, ask, 0, 0, 0 },
	},
};

const struct scenario scenario_soft = {
	.name = "invalidate-soft",
	.what = "a value is invalidated, softly, while others ask",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "asker", have_it_cached, ask_twice, BOTH, 0, 0 },
		{ "invalidator", attach, invalidate_soft, BOTH, 0, 0 },
		{ "asker", attach, ask, 0, 0, 0 },
	},
};

const struct scenario scenario_forget = {
	.name = "forget",
	.what = "a key is forgotten while one asks and one reads",
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "forgetter", have_it_cached, forget, BOTH, 0, 0 },
		{ "asker", attach, ask, BOTH, 0, 0 },
		{ "reader", attach, get, 0, 0, 0 },
	},
};
