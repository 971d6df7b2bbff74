/* SPDX-License-Identifier: MIT */
/* Making room, pins, forgetting. */
#include "scenario.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sfshm/pin.h>

static struct sfshm_pin my_pin;

/* All slots hold something. */
static void fill_slots(struct stage *st)
{
	char key[32];

	act_open(st);
	for (int i = 0; i < STAGE_SLOTS; i++) {
		snprintf(key, sizeof(key), "old %d", i);
		act_make(st, key, 30);
	}
}

/* The same, past their lifetime, with keys that take memory too. */
static void fill_slots_expired(struct stage *st)
{
	char key[64];

	act_open(st);
	for (int i = 0; i < STAGE_SLOTS; i++) {
		snprintf(key, sizeof(key), "%s, %d", A_LONG_KEY, i);
		act_lead(st, key, 0);
		sfshm_flight_ttl(&my_flight, 0, 0);
		act_publish(st, 70);
	}
}

/* All slots hold something, and one value is pinned. */
static void fill_slots_and_pin(struct stage *st)
{
	fill_slots(st);
	insist(st, sfshm_pin(mine, "old 0", 5, &my_pin, &my_result) == 0);
}

static void op_new_key(struct stage *st)
{
	insist(st, act_begin(A_KEY, 0, 0) == SFSHM_LEADER);
}

/* Nearly all value memory holds something, and the victim leads. */
static void fill_memory(struct stage *st)
{
	char key[32];

	act_open(st);
	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "old %d", i);
		act_make(st, key, 1500);
	}
	act_lead(st, A_KEY, 0);
}

static void op_publish_3000(struct stage *st)
{
	act_publish(st, 3000);
}

/* The victim has pinned so much that no eviction makes room for its value. */
static void fill_memory_and_pin(struct stage *st)
{
	char key[32];

	fill_memory(st);
	for (int i = 0; i < 10; i++) {
		struct sfshm_pin pin;

		snprintf(key, sizeof(key), "old %d", i);
		(void)!sfshm_pin(mine, key, strlen(key), &pin, &my_result);
	}
}

static void op_publish_in_vain(struct stage *st)
{
	insist(st, sfshm_publish(&my_flight, my_data, 8000) == -ENOSPC);
}

/* An old value of the key's must make way for a new one. */
static void fill_memory_and_pin_beside_an_old_value(struct stage *st)
{
	act_open(st);
	for (int i = 0; i < 2; i++) {
		struct sfshm_pin pin;

		act_make(st, i ? "old 1" : "old 0", 5000);
		insist(st, sfshm_pin(mine, i ? "old 1" : "old 0", 5, &pin,
				     &my_result) == 0);
	}
	insist(st, sfshm_begin(mine, A_KEY, strlen(A_KEY), NULL, &my_flight,
			       &my_result) == SFSHM_LEADER);
	act_publish(st, 5000);
	act_lead(st, A_KEY, 0);
}

static void op_publish_5000(struct stage *st)
{
	act_publish(st, 5000);
}

/* There is no room, and nobody waits: the flight just ends. */
static void fill_memory_with_pins_and_lead_leniently(struct stage *st)
{
	fill_memory_and_pin(st);
	insist(st, sfshm_release(&my_flight) == 0);
	insist(st, sfshm_begin(mine, A_KEY, strlen(A_KEY), NULL, &my_flight,
			       &my_result) == SFSHM_LEADER);
	stage_note_led(st, A_KEY, sfshm_flight_generation(&my_flight));
}

static void op_publish_unkept(struct stage *st)
{
	insist(st, sfshm_publish(&my_flight, my_data, 8000) == SFSHM_UNCACHED);
}

/* ... or somebody waited, and still may, as far as the leader knows. */
static void somebody_waits_a_while(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 't');
}

static void make_value(struct stage *st)
{
	act_open(st);
	act_make(st, A_KEY, 300);
}

static void pin_value(struct stage *st)
{
	make_value(st);
	insist(st,
	       sfshm_pin(mine, A_KEY, strlen(A_KEY), &my_pin, &my_result) == 0);
}

static void op_pin(struct stage *st)
{
	insist(st,
	       sfshm_pin(mine, A_KEY, strlen(A_KEY), &my_pin, &my_result) == 0);
}

static void op_unpin(struct stage *st)
{
	insist(st, sfshm_unpin(&my_pin) == 0);
}

/* Twice: the pinned chain is in the way the second time. */
static void value_is_replaced(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	for (int i = 0; i < 2; i++) {
		helper_cue(sh->st, &sh->helper[0], 'l');
		helper_cue(sh->st, &sh->helper[0], 'p');
	}
}

static void somebody_pins(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'l');
	helper_cue(sh->st, &sh->helper[0], 'P');
	helper_cue(sh->st, &sh->helper[0], 'n');
}

static void lead_second_after_pin(struct stage *st)
{
	act_open(st);
	act_make(st, A_KEY, 300);
	act_lead(st, A_KEY, 0);
}

static void pin_of_the_dead(struct show *sh)
{
	helper_kill(&sh->helper[0]);
}

static void op_publish_300(struct stage *st)
{
	act_publish(st, 300);
}

static void make_long(struct stage *st)
{
	act_open(st);
	act_make(st, A_LONG_KEY, 300);
}

static void make_several(struct stage *st)
{
	act_open(st);
	act_make(st, "one", 100);
	act_make(st, A_LONG_KEY, 200);
	act_make(st, A_KEY, 300);
	act_make(st, "two", 0);
}

static void op_forget(struct stage *st)
{
	insist(st, sfshm_forget(mine, A_LONG_KEY, strlen(A_LONG_KEY)) == 0);
}

static void op_purge(struct stage *st)
{
	insist(st, sfshm_purge(mine) == 4);
}

const struct scenario store_scenarios[] = {
	{
		.name = "evict: slots are full",
		.key = A_KEY,
		.prepare = fill_slots,
		.operate = op_new_key,
	},
	{
		.name = "evict: slots are full of expired long keys",
		.key = A_KEY,
		.prepare = fill_slots_expired,
		.operate = op_new_key,
	},
	{
		.name = "evict: slots are full, one is pinned",
		.key = A_KEY,
		.prepare = fill_slots_and_pin,
		.operate = op_new_key,
	},
	{
		.name = "evict: memory is full",
		.key = A_KEY,
		.prepare = fill_memory,
		.operate = op_publish_3000,
	},
	{
		.name = "evict: memory is full of pins",
		.key = A_KEY,
		.prepare = fill_memory_and_pin,
		.operate = op_publish_in_vain,
	},
	{
		.name = "publish: no room but the old value's",
		.key = A_KEY,
		.prepare = fill_memory_and_pin_beside_an_old_value,
		.operate = op_publish_5000,
	},
	{
		.name = "publish: no room, nobody waits",
		.key = A_KEY,
		.prepare = fill_memory_with_pins_and_lead_leniently,
		.operate = op_publish_unkept,
	},
	{
		.name = "publish: no room, somebody waits",
		.key = A_KEY,
		.prepare = fill_memory_with_pins_and_lead_leniently,
		.between = somebody_waits_a_while,
		.operate = op_publish_unkept,
	},
	{
		.name = "pin",
		.key = A_KEY,
		.prepare = make_value,
		.operate = op_pin,
	},
	{
		.name = "unpin",
		.key = A_KEY,
		.prepare = pin_value,
		.operate = op_unpin,
	},
	{
		.name = "unpin what was published anew",
		.key = A_KEY,
		.prepare = pin_value,
		.between = value_is_replaced,
		.operate = op_unpin,
	},
	{
		.name = "publish over what somebody pins",
		.key = A_KEY,
		.before = somebody_pins,
		.prepare = lead_second_after_pin,
		.operate = op_publish_300,
	},
	{
		.name = "publish over what a dead one pinned",
		.key = A_KEY,
		.before = somebody_pins,
		.prepare = lead_second_after_pin,
		.between = pin_of_the_dead,
		.operate = op_publish_300,
	},
	{
		.name = "forget a long key",
		.key = A_LONG_KEY,
		.prepare = make_long,
		.operate = op_forget,
	},
	{
		.name = "purge",
		.key = A_KEY,
		.prepare = make_several,
		.operate = op_purge,
	},
	{ .name = NULL },
};
