/* SPDX-License-Identifier: MIT */
/* Taking permits, giving them back, changing the maximum. */
#include "scenario.h"

#include <errno.h>
#include <string.h>

#include <sfshm/semaphore.h>

#define MAX 2

static struct sfshm_permit my_permit[MAX];

static int acquire(struct sfshm *h, struct sfshm_permit *permit, uint32_t flags)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;

	o.flags = flags;
	o.max = MAX;
	return sfshm_acquire(h, A_KEY, strlen(A_KEY), &o, permit);
}

static int set_max(uint32_t max)
{
	return sfshm_semaphore_set_max(mine, A_KEY, strlen(A_KEY), max);
}

/*
 * Takes all permits that are free, and gives them back. If this process is
 * `alone`, those must be all that there are. Nobody may hold more.
 */
static const char *take_all(const struct stage *st, struct sfshm *h, bool alone)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	struct sfshm_permit permit[MAX + 2];
	uint32_t n = 0;
	int r = 0;

	(void)st;
	while (n <= MAX + 1 && !r)
		r = acquire(h, &permit[n++], SFSHM_SEMAPHORE_TRY);
	if (r != -EBUSY)
		return "permits without end";
	n--;
	if (sfshm_semaphore_info(h, A_KEY, strlen(A_KEY), &info))
		return "the semaphore is gone";
	for (uint32_t i = 0; i < n; i++)
		if (sfshm_permit_release(&permit[i]))
			return "a permit cannot be given back";
	if (info.in_use > info.max)
		return "more permits are held than there are";
	return alone && n != info.max ? "a permit is lost" : NULL;
}

static const char *finish(const struct stage *st, struct sfshm *h)
{
	return take_all(st, h, true);
}

/* The first time somebody else may still hold some. */
const char *finish_permits(const struct stage *st, struct sfshm *h)
{
	return take_all(st, h, st->finished > 0);
}

static void warm(struct stage *st)
{
	act_warm(st);
	insist(st, set_max(MAX) == 0);
}

static void take_one(struct stage *st)
{
	warm(st);
	insist(st, acquire(mine, &my_permit[0], 0) == 0);
}

static void take_both(struct stage *st)
{
	take_one(st);
	insist(st, acquire(mine, &my_permit[1], 0) == 0);
}

static void op_acquire(struct stage *st)
{
	insist(st, acquire(mine, &my_permit[0], 0) == 0);
}

static void op_try(struct stage *st)
{
	insist(st, acquire(mine, &my_permit[0], SFSHM_SEMAPHORE_TRY) == -EBUSY);
}

static void op_acquire_in_vain(struct stage *st)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;

	o.wait_timeout_ms = 20;
	insist(st, sfshm_acquire(mine, A_KEY, strlen(A_KEY), &o,
				 &my_permit[0]) == -ETIMEDOUT);
}

static void op_give_back(struct stage *st)
{
	insist(st, sfshm_permit_release(&my_permit[0]) == 0);
}

/* A permit of the victim's process. */
static void acquire_for_all(struct stage *st)
{
	insist(st, acquire(mine, &my_permit[0], SFSHM_SEMAPHORE_DETACHED) == 0);
}

static void *acquire_and_stay(void *st)
{
	acquire_for_all(st);
	return act_stay(NULL);
}

static void another_acquires(struct stage *st)
{
	warm(st);
	act_beside(st, acquire_and_stay);
}

static void hold_for_all(struct stage *st)
{
	warm(st);
	act_beside(st, act_attach_and_stay);
	acquire_for_all(st);
	insist(st, acquire(mine, &my_permit[1], SFSHM_SEMAPHORE_DETACHED) == 0);
}

static void both_are_anothers(struct stage *st)
{
	another_acquires(st);
	insist(st, acquire(mine, &my_permit[1], SFSHM_SEMAPHORE_DETACHED) == 0);
}

static void op_more(struct stage *st)
{
	insist(st, set_max(MAX + 1) == 0);
}

static void op_fewer(struct stage *st)
{
	insist(st, set_max(MAX - 1) == 0);
}

static int remove_it(void)
{
	return sfshm_semaphore_remove(mine, A_KEY, strlen(A_KEY));
}

static void op_remove(struct stage *st)
{
	insist(st, remove_it() == 0);
}

static void op_remove_refused(struct stage *st)
{
	insist(st, remove_it() == -EBUSY);
}

static void make_and_remove(struct stage *st)
{
	warm(st);
	op_remove(st);
}

static void op_close(struct stage *st)
{
	insist(st, sfshm_close(mine) == 0);
}

void show_permits_are_held(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 's');
	helper_cue(sh->st, &sh->helper[0], 's');
}

void show_permit_comes_back(struct show *sh)
{
	helper_cue(sh->st, &sh->helper[0], 'z');
}

void show_holder_of_permits_dies(struct show *sh)
{
	helper_kill(&sh->helper[0]);
}

static void holder_has_both_and_another_comes(struct show *sh)
{
	show_permits_are_held(sh);
	sh->helper[1] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[1], 'a');
}

static void another_waits_and_holder_gives_back(struct show *sh)
{
	show_other_waits(sh, 's');
	show_permit_comes_back(sh);
}

static void another_waits_and_holder_dies(struct show *sh)
{
	show_other_waits(sh, 's');
	show_holder_of_permits_dies(sh);
}

static void another_comes(struct show *sh)
{
	sh->helper[1] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[1], 'a');
}

/* One is the victim's. */
static void another_holds_the_other(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 's');
	show_other_waits(sh, 's');
}

static void another_waits(struct show *sh)
{
	show_other_waits(sh, 's');
}

const struct scenario semaphore_scenarios[] = {
	{
		.name = "semaphore: acquire, first of the segment",
		.key = A_KEY,
		.prepare = act_attach,
		.operate = op_acquire,
		.finish = finish,
	},
	{
		.name = "semaphore: acquire",
		.key = A_KEY,
		.prepare = warm,
		.operate = op_acquire,
		.finish = finish,
	},
	{
		.name = "semaphore: acquire a second one",
		.key = A_KEY,
		.prepare = take_one,
		.operate = op_acquire,
		.finish = finish,
	},
	{
		.name = "semaphore: try in vain",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = warm,
		.operate = op_try,
		.finish = finish_permits,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "semaphore: acquire what a dead one holds",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = warm,
		.between = show_holder_of_permits_dies,
		.operate = op_acquire,
		.finish = finish,
	},
	{
		.name = "semaphore: wait, the holder gives back",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = warm,
		.operate = op_acquire,
		.asleep = show_permit_comes_back,
		.finish = finish_permits,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "semaphore: wait, the holder dies",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = warm,
		.operate = op_acquire,
		.asleep = show_holder_of_permits_dies,
		.finish = finish_permits,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "semaphore: wait in vain",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = warm,
		.operate = op_acquire_in_vain,
		.finish = finish_permits,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "semaphore: give back",
		.key = A_KEY,
		.prepare = take_both,
		.operate = op_give_back,
		.finish = finish,
	},
	{
		.name = "semaphore: close, holding two",
		.key = A_KEY,
		.prepare = take_both,
		.operate = op_close,
		.finish = finish,
	},
	{
		.name = "semaphore: acquire for the process",
		.key = A_KEY,
		.prepare = warm,
		.operate = acquire_for_all,
		.finish = finish,
	},
	{
		.name = "semaphore: give back another's",
		.key = A_KEY,
		.prepare = another_acquires,
		.operate = op_give_back,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{
		.name = "semaphore: close, giving two to another thread",
		.key = A_KEY,
		.prepare = hold_for_all,
		.operate = op_close,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{
		.name = "semaphore: give back another's, another sleeps",
		.key = A_KEY,
		.before = another_comes,
		.prepare = both_are_anothers,
		.between = another_waits,
		.operate = op_give_back,
		.finish = finish_permits,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{
		.name = "semaphore: more permits",
		.key = A_KEY,
		.prepare = take_one,
		.operate = op_more,
		.finish = finish,
	},
	{
		.name = "semaphore: fewer permits",
		.key = A_KEY,
		.prepare = take_one,
		.operate = op_fewer,
		.finish = finish,
	},
	{
		.name = "semaphore: remove",
		.key = A_KEY,
		.prepare = warm,
		.operate = op_remove,
		.finish = finish,
	},
	{
		.name = "semaphore: remove, its own permit is held",
		.key = A_KEY,
		.prepare = take_one,
		.operate = op_remove_refused,
		.finish = finish,
	},
	{
		.name = "semaphore: remove, another holds both",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = warm,
		.operate = op_remove_refused,
		.finish = finish_permits,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "semaphore: remove, a dead one holds both",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = warm,
		.between = show_holder_of_permits_dies,
		.operate = op_remove,
		.finish = finish,
	},
	{
		.name = "semaphore: acquire, removed before",
		.key = A_KEY,
		.prepare = make_and_remove,
		.operate = op_acquire,
		.finish = finish,
	},
	{
		.name = "semaphore: give back, another sleeps",
		.key = A_KEY,
		.before = another_comes,
		.prepare = take_both,
		.between = another_waits,
		.operate = op_give_back,
		.finish = finish_permits,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{
		.name = "semaphore: close, another sleeps",
		.key = A_KEY,
		.before = another_comes,
		.prepare = take_both,
		.between = another_waits,
		.operate = op_close,
		.finish = finish_permits,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{
		.name = "semaphore: more permits, another sleeps",
		.key = A_KEY,
		.before = another_comes,
		.prepare = take_one,
		.between = another_holds_the_other,
		.operate = op_more,
		.finish = finish_permits,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{
		.name = "semaphore: woken by one given back, another sleeps",
		.key = A_KEY,
		.before = holder_has_both_and_another_comes,
		.prepare = warm,
		.operate = op_acquire,
		.asleep = another_waits_and_holder_gives_back,
		.finish = finish_permits,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{
		.name = "semaphore: woken by a death, another sleeps",
		.key = A_KEY,
		.before = holder_has_both_and_another_comes,
		.prepare = warm,
		.operate = op_acquire,
		.asleep = another_waits_and_holder_dies,
		.finish = finish_permits,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{ .name = NULL },
};
