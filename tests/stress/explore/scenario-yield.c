/* SPDX-License-Identifier: MIT */
/*
 * A caller that stole a flight has died right after its CAS, so the slot is
 * retired and still linked. The old leader ends its flight late, a reader
 * stands on the slot, and an inserter wants it.
 */
#include "kernel.h"
#include "scene.h"

static void attach(void)
{
	scene_attach();
}

/* The other slot's value is past its lifetime. */
static void lead(void)
{
	scene_attach();
	scene_begin(&scene_led, 0, POLICY());
	scene_do(5, POLICY(.ttl_ms = 1));
	kernel_time(world.now + 10 * MS);
}

/* The thief: all that is left of it is its compare-and-swap. */
static void steal_and_die(void)
{
	uint64_t *ctl = &twin_map.slots[0].ctl;

	cas_seq(ctl, load_seq(ctl),
		ctl_with(load_seq(ctl), PHASE_RETIRED, ctl_owner(*ctl)));
	scene_attach();
}

static void publish_late(void)
{
	scene_publish(&scene_led);
}

/* To have a slot it moves the epoch on, by two. */
static void insert_and_look(void)
{
	scene_begin(&scene_other, 2, POLICY());
	scene_get(1);
	scene_release(&scene_other);
}

static void insert(void)
{
	scene_do(3, POLICY());
}

const struct scenario scenario_yield = {
	.name = "yield",
	.what = "a slot is retired and linked; its leader is late, others look",
	.slots = 2,
	.budget = 2,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, publish_late, 0, 0, 0 },
		{ "reader", steal_and_die, insert_and_look, 0, 0, 0 },
		{ "inserter", attach, insert, 0, 0, 0 },
	},
};
