/* SPDX-License-Identifier: MIT */
/*
 * Locks of a process. The thread that ends one, or gives it away, dies with its
 * process; the next caller learns of that.
 */
#include "scenario.h"

#include <string.h>

#include <sfshm/lock.h>

static struct sfshm_lock my_lock;

/* A lock of the victim's process. It gets no rank. */
static void lock_for_all(struct stage *st)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	o.flags = SFSHM_LOCK_DETACHED;
	insist(st, sfshm_lock(mine, A_LOCK_KEY, strlen(A_LOCK_KEY), &o,
			      &my_lock) >= 0);
	if (st->lock.generation < sfshm_lock_generation(&my_lock))
		st->lock.generation = sfshm_lock_generation(&my_lock);
}

static void *lock_and_stay(void *st)
{
	lock_for_all(st);
	return act_stay(NULL);
}

static void another_locks(struct stage *st)
{
	act_warm(st);
	act_beside(st, lock_and_stay);
}

static void hold_for_all(struct stage *st)
{
	act_warm(st);
	act_beside(st, act_attach_and_stay);
	lock_for_all(st);
}

static void op_unlock(struct stage *st)
{
	insist(st, sfshm_unlock(&my_lock) == 0);
}

static void warm_lock(struct stage *st)
{
	act_warm(st);
	lock_for_all(st);
	op_unlock(st);
}

static void another_comes(struct show *sh)
{
	sh->helper[1] = helper_start(sh->st, A_LOCK_KEY);
	helper_cue(sh->st, &sh->helper[1], 'a');
}

static void another_waits(struct show *sh)
{
	show_other_waits(sh, 'K');
}

static void op_close(struct stage *st)
{
	insist(st, sfshm_close(mine) == 0);
}

#define A_LOCK .key = A_KEY, .finish = finish_lock

const struct scenario process_scenarios[] = {
	{
		A_LOCK,
		.name = "lock: for the process",
		.prepare = warm_lock,
		.operate = lock_for_all,
	},
	{
		A_LOCK,
		.name = "lock: another's, given back (unlock)",
		.prepare = another_locks,
		.operate = op_unlock,
		.flags = NO_COPIES,
	},
	{
		A_LOCK,
		.name = "lock: given to another thread (close)",
		.prepare = hold_for_all,
		.operate = op_close,
		.flags = NO_COPIES,
	},
	{
		A_LOCK,
		.name = "lock: another's, given back; another waits",
		.before = another_comes,
		.prepare = another_locks,
		.between = another_waits,
		.operate = op_unlock,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{ .name = NULL },
};
