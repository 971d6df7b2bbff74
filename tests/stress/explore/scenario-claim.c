/* SPDX-License-Identifier: MIT */
/* Leading under a claim: key 0 is asked for, key 1 shares its claim. */
#include <errno.h>

#include "scene.h"

static const char upstream[] = "upstream";

#define CLAIM .claim_key = upstream, .claim_key_len = 8
#define BOTH (MAY_DIE | MAY_STOP)

static void attach(void)
{
	scene_attach();
}

static void lead_other(void)
{
	scene_attach();
	scene_begin(&scene_other, 1, POLICY(CLAIM));
}

static void lead_both(void)
{
	lead_other();
	scene_begin(&scene_led, 0, POLICY());
}

static void publish_other(void)
{
	scene_publish(&scene_other);
}

/* Its other work takes it two slices. */
static void linger(void)
{
	scene_sleep(250 * MS);
	scene_publish(&scene_other);
}

/* It has the claim while the follower of the key does its work. */
static void release_and_wait(void)
{
	scene_release(&scene_led);
	scene_do(2, POLICY(.flags = SFSHM_FOLLOW));
	scene_publish(&scene_other);
}

static void lead_third(void)
{
	scene_attach();
	scene_begin(&scene_led, 2, POLICY());
}

static void ask(void)
{
	scene_do(0, POLICY());
}

static void ask_and_publish_third(void)
{
	ask();
	scene_publish(&scene_led);
}

static void ask_with_a_claim(void)
{
	scene_do(0, POLICY(CLAIM));
}

const struct scenario scenario_claim = {
	.name = "claim",
	.what = "one has the claim for another key, two ask for a key",
	.budget = 2,
	/* A claimant that dies before its wake costs a slice, as in release. */
	.deaths_told = 0,
	.role = {
		{ "holder", lead_other, publish_other, BOTH, 0, 0 },
		{ "claimant", attach, ask_with_a_claim, BOTH, 0, 0 },
		{ "claimant", attach, ask_with_a_claim, BOTH, 0, 0 },
	},
};

const struct scenario scenario_claim_key = {
	.name = "claim-key",
	.what = "one waits for a claim, its key is published without",
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "holder", lead_other, linger, MAY_DIE, 0, 0 },
		{ "claimant", attach, ask_with_a_claim, BOTH, 0, 0 },
		{ "asker", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_claim_release = {
	.name = "claim-release",
	.what = "a key is released, one of two who wait lacks the claim",
	.slots = 5,
	.budget = 2,
	.deaths_told = 0,
	.role = {
		{ "leader", lead_both, release_and_wait, BOTH, 0, 0 },
		{ "claimant", attach, ask_with_a_claim, BOTH, 0, 0 },
		{ "follower", lead_third, ask_and_publish_third, BOTH, 0, 0 },
	},
};
