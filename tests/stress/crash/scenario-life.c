/* SPDX-License-Identifier: MIT */
/* Coming, going, and the segment as a whole. */
#include "scenario.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sfshm/inspect.h>
#include <sfshm/pin.h>
#include <sfshm/resize.h>

/* More flights than a record has room to name. */
#define MANY 17

static struct sfshm_flight many[MANY];

static void op_attach(struct stage *st)
{
	insist(st, sfshm_get(mine, "nothing", 7, &my_result) == -ENODATA);
}

static void op_begin_there(struct stage *st)
{
	insist(st, act_begin(A_KEY, SFSHM_REFRESH, 0) == SFSHM_LEADER);
}

static void somebody_lives(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'l');
	helper_cue(sh->st, &sh->helper[0], 'P');
	helper_cue(sh->st, &sh->helper[0], 'n');
	helper_cue(sh->st, &sh->helper[0], 'l');
}

static void somebody_dies(struct show *sh)
{
	helper_kill(&sh->helper[0]);
}

static void somebody_died(struct show *sh)
{
	somebody_lives(sh);
	somebody_dies(sh);
}

static void own_something(struct stage *st)
{
	struct sfshm_pin pin;

	act_open(st);
	act_make(st, "pinned", 200);
	insist(st, sfshm_pin(mine, "pinned", 6, &pin, &my_result) == 0);
	act_make(st, A_KEY, 100);
	act_lead(st, A_KEY, 0);
}

static void op_close(struct stage *st)
{
	insist(st, sfshm_close(mine) == 0);
}

static void op_thread_exit(struct stage *st)
{
	(void)st;
	pthread_exit(NULL);
}

static void lead_many(struct stage *st)
{
	char key[32];

	act_open(st);
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "many %d", i);
		act_lead(st, key, 0);
		many[i] = my_flight;
	}
}

static void op_release_many(struct stage *st)
{
	for (int i = MANY - 3; i < MANY; i++)
		insist(st, sfshm_release(&many[i]) == 0);
}

static void op_lead_one_more(struct stage *st)
{
	insist(st, act_begin(A_KEY, 0, 0) == SFSHM_LEADER);
}

static void op_verify(struct stage *st)
{
	insist(st, sfshm_verify(mine, NULL, NULL) == 0);
}

static void op_create(struct stage *st)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE,
		.slots = STAGE_SLOTS,
		.participants = STAGE_PARTICIPANTS,
		.bytes = STAGE_BYTES,
		.max_value = STAGE_MAX_VALUE,
	};

	insist(st, sfshm_open(&mine, st->path, &o) == 0);
}

static void fill_some(struct stage *st)
{
	act_open(st);
	act_make(st, A_KEY, 300);
	act_make(st, A_LONG_KEY, 100);
	act_make(st, "one", 1000);
}

static void op_resize(struct stage *st)
{
	struct sfshm_options o = { .size = sizeof(o), .slots = STAGE_SLOTS };

	insist(st, sfshm_resize(st->path, &o, 0, NULL, NULL) == 0);
}

static void op_unlink(struct stage *st)
{
	insist(st, sfshm_unlink(st->path) == 0);
}

const struct scenario life_scenarios[] = {
	{
		.name = "attach",
		.key = A_KEY,
		.prepare = act_open,
		.operate = op_attach,
	},
	{
		.name = "attach in a dead one's record",
		.key = A_KEY,
		.before = somebody_died,
		.prepare = act_open,
		.operate = op_begin_there,
	},
	{
		.name = "close",
		.key = A_KEY,
		.prepare = own_something,
		.operate = op_close,
	},
	{
		.name = "thread exit",
		.key = A_KEY,
		.prepare = own_something,
		.operate = op_thread_exit,
		.flags = LETS_GO,
	},
	{
		.name = "lead a 17th key",
		.key = A_KEY,
		.prepare = lead_many,
		.operate = op_lead_one_more,
	},
	{
		.name = "release of 17",
		.key = A_KEY,
		.prepare = lead_many,
		.operate = op_release_many,
	},
	{
		.name = "verify, with somebody dead",
		.key = A_KEY,
		.before = somebody_lives,
		.prepare = act_attach,
		.between = somebody_dies,
		.operate = op_verify,
	},
	{
		.name = "create",
		.key = A_KEY,
		.operate = op_create,
		.flags = NO_SEGMENT | NO_COPIES | REPLACES,
	},
	{
		.name = "resize",
		.key = A_KEY,
		.prepare = fill_some,
		.operate = op_resize,
		.flags = NO_COPIES | REPLACES,
	},
	{
		.name = "unlink",
		.key = A_KEY,
		.operate = op_unlink,
		.flags = NO_COPIES | REPLACES,
	},
	{ .name = NULL },
};

/* Both ways to deal with a death: being there already, and coming. */
static void op_finish(struct stage *st)
{
	int r = sfshm_begin(mine, A_KEY, strlen(A_KEY), NULL, &my_flight,
			    &my_result);

	if (r == SFSHM_LEADER)
		act_publish(st, 700);
	insist(st, sfshm_verify(mine, NULL, NULL) == 0);
}

const struct scenario second_scenarios[] = {
	{
		.name = "there",
		.key = A_KEY,
		.prepare = act_attach,
		.operate = op_finish,
	},
	{
		.name = "comes",
		.key = A_KEY,
		.prepare = act_open,
		.operate = op_finish,
		.flags = COMES_LATER,
	},
	{ .name = NULL },
};
