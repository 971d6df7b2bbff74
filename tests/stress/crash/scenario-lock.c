/* SPDX-License-Identifier: MIT */
/*
 * Keyed locks. Wherever a process dies, the next caller gets the lock, and
 * learns of a death if and only if a process died that held it alone.
 */
#include "scenario.h"

#include <errno.h>
#include <string.h>

#include <sfshm/inspect.h>
#include <sfshm/lock.h>

#include "image.h"
#include "os/atomics.h"
#include "store/ctl.h"
#include "store/key.h"

#define LOCK A_LOCK_KEY
#define OTHER_LOCK "another lock"
#define RANK 3
#define LONG_LOCK "a lock with a key that its slot has no room for, by far"

static struct sfshm_lock my_lock;

static const char *finish_long_lock(const struct stage *st, struct sfshm *h)
{
	struct sfshm_lock lock;

	(void)st;
	if (sfshm_lock(h, LONG_LOCK, strlen(LONG_LOCK), NULL, &lock) < 0)
		return "the lock cannot be had";
	return sfshm_unlock(&lock) ? "the lock cannot be given back" : NULL;
}

/* The segment's path serves as the file's. */
static int lock_path(const struct stage *st, struct sfshm *h,
		     struct sfshm_lock *lock)
{
	return sfshm_lock_path(h, st->path, NULL, lock);
}

/* The lock by path is that of the key. */
static const char *finish_path(const struct stage *st, struct sfshm *h)
{
	const char *key = st->path;
	struct sfshm_lock lock, again;
	int r = lock_path(st, h, &lock);

	if (r < 0)
		return "the lock cannot be had";
	if (!st->finished && st->lock.owed && r != SFSHM_OWNER_DIED)
		return "not told that somebody died with the lock";
	if (sfshm_trylock(h, key, strlen(key), &again) != -EDEADLK)
		return "the path's lock is not that of the key";
	return sfshm_unlock(&lock) ? "the lock cannot be given back" : NULL;
}

static int lock_it(struct sfshm *h, uint32_t flags, struct sfshm_lock *lock)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	o.flags = flags;
	o.rank = RANK;
	o.deadline_ns = sfshm_deadline_ms(60000);
	return sfshm_lock(h, LOCK, strlen(LOCK), &o, lock);
}

/* The lock's control word in the file; 0: it has no slot. */
static uint64_t word_of_lock(const struct stage *st)
{
	const struct shm_slot *slots;
	uint64_t word = 0, ctl;
	struct image im;

	if (!image_open(&im, st->path))
		return 0;
	slots = (const void *)(im.live + im.geometry.slots_at);
	for (uint32_t i = 0; i < im.geometry.slots; i++) {
		ctl = load_seq(&slots[i].ctl);
		if (ctl_phase(ctl) != PHASE_FREE &&
		    slot_kind(&slots[i]) == SHM_LOCK &&
		    slot_key_len(&slots[i]) == strlen(LOCK) &&
		    !memcmp(slots[i].key, LOCK, strlen(LOCK)))
			word = ctl;
	}
	image_close(&im);
	return word;
}

/*
 * What the next holder is to be told: 1, that a holder died; 0, that none did;
 * -1: either. While a lock is in the making nobody has it, and it is not known
 * whether its slot is linked.
 */
static int owed(const struct stage *st, uint64_t word)
{
	if (st->lock.owed)
		return 1;
	/* While a writer drains the lock, the writer does not have it. */
	if (ctl_phase(word) == PHASE_BUSY)
		return !(word & LOCK_SHARED);
	if (ctl_phase(word) == PHASE_MAKING)
		return -1;
	return ctl_phase(word) == PHASE_IDLE && word & LOCK_ORPHANED;
}

const char *finish_lock(const struct stage *st, struct sfshm *h)
{
	uint64_t word = word_of_lock(st);
	struct sfshm_lock lock;
	bool try = st->lock.helper_has_it;
	int r = lock_it(h, try ? SFSHM_LOCK_TRY : 0, &lock);

	if (r == -EBUSY && try)
		return NULL;
	if (r < 0)
		return "the lock cannot be had";
	if (sfshm_lock_generation(&lock) <= st->lock.generation)
		return "the lock's generation did not grow";
	if (!try && !st->finished && owed(st, word) >= 0 && owed(st, word) != r)
		return r ? "told of a death, and nobody died with the lock" :
			   "not told that somebody died with the lock";
	if (sfshm_unlock(&lock))
		return "the lock cannot be given back";
	if (lock_it(h, 0, &lock))
		return "told of a death, again";
	return sfshm_unlock(&lock) ? "the lock cannot be given back" : NULL;
}

/* The victim always dies with the other lock. */
static const char *finish_ranks(const struct stage *st, struct sfshm *h)
{
	struct sfshm_lock lock;
	int r = sfshm_lock(h, OTHER_LOCK, strlen(OTHER_LOCK), NULL, &lock);

	if (r < 0)
		return "the other lock cannot be had";
	if (!st->finished && r != SFSHM_OWNER_DIED)
		return "not told that somebody died with the other lock";
	if (sfshm_unlock(&lock))
		return "the other lock cannot be given back";
	return finish_lock(st, h);
}

static void take(struct stage *st)
{
	insist(st, lock_it(mine, 0, &my_lock) >= 0);
	if (st->lock.generation < sfshm_lock_generation(&my_lock))
		st->lock.generation = sfshm_lock_generation(&my_lock);
}

static void warm_lock(struct stage *st)
{
	act_warm(st);
	take(st);
	insist(st, sfshm_unlock(&my_lock) == 0);
}

static void hold_lock(struct stage *st)
{
	act_warm(st);
	take(st);
}

void show_lock_is_held(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, LOCK);
	helper_cue(sh->st, &sh->helper[0], 'k');
	sh->st->lock.helper_has_it = 1;
}

void show_lock_is_shared(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, LOCK);
	helper_cue(sh->st, &sh->helper[0], 'h');
	sh->st->lock.helper_has_it = 1;
}

/* Nobody is told of that. */
static void sharer_dies(struct show *sh)
{
	sh->st->lock.helper_has_it = 0;
	helper_kill(&sh->helper[0]);
}

static void another_comes(struct show *sh)
{
	sh->helper[1] = helper_start(sh->st, LOCK);
	helper_cue(sh->st, &sh->helper[1], 'a');
}

static void another_drains(struct show *sh)
{
	show_other_waits(sh, 'K');
}

static void holder_and_another(struct show *sh)
{
	show_lock_is_held(sh);
	sh->helper[1] = helper_start(sh->st, LOCK);
	helper_cue(sh->st, &sh->helper[1], 'a');
}

void show_lock_comes_back(struct show *sh)
{
	helper_cue(sh->st, &sh->helper[0], 'o');
	sh->st->lock.helper_has_it = 0;
}

void show_holder_of_lock_dies(struct show *sh)
{
	sh->st->lock.helper_has_it = 0;
	sh->st->lock.owed = 1;
	helper_kill(&sh->helper[0]);
}

static void holder_unlocks_to_two(struct show *sh)
{
	show_other_waits(sh, 'K');
	helper_cue(sh->st, &sh->helper[0], 'o');
}

static void holder_dies_on_two(struct show *sh)
{
	show_other_waits(sh, 'K');
	helper_kill(&sh->helper[0]);
}

static void op_lock(struct stage *st)
{
	insist(st, lock_it(mine, 0, &my_lock) >= 0);
}

static void op_share(struct stage *st)
{
	insist(st, lock_it(mine, SFSHM_LOCK_SHARED, &my_lock) >= 0);
}

static void hold_shared(struct stage *st)
{
	act_warm(st);
	op_share(st);
}

static void warm_shared(struct stage *st)
{
	hold_shared(st);
	insist(st, sfshm_unlock(&my_lock) == 0);
}

static void op_lock_long(struct stage *st)
{
	insist(st, sfshm_lock(mine, LONG_LOCK, strlen(LONG_LOCK), NULL,
			      &my_lock) == 0);
}

/* It dies after the call, too. */
static void op_lock_path(struct stage *st)
{
	insist(st, lock_path(st, mine, &my_lock) == 0);
	st->lock.owed = 1;
	insist(st, sfshm_get(mine, "nothing", 7, &my_result) == -ENODATA);
}

static void op_try(struct stage *st)
{
	insist(st, lock_it(mine, SFSHM_LOCK_TRY, &my_lock) >= 0);
}

static void op_lock_in_vain(struct stage *st)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	o.wait_timeout_ms = 20;
	insist(st, sfshm_lock(mine, LOCK, strlen(LOCK), &o, &my_lock) ==
			   -ETIMEDOUT);
}

/* Lets the victim hold another lock, which has a rank. */
static void hold_rank(struct stage *st, uint32_t rank)
{
	static struct sfshm_lock other;
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	act_warm(st);
	o.rank = rank;
	insist(st, sfshm_lock(mine, OTHER_LOCK, strlen(OTHER_LOCK), &o,
			      &other) == 0);
}

static void hold_lower(struct stage *st)
{
	hold_rank(st, RANK - 1);
}

static void hold_higher(struct stage *st)
{
	hold_rank(st, RANK + 1);
}

static void op_lock_wrong_rank(struct stage *st)
{
	insist(st, lock_it(mine, 0, &my_lock) == -EDOM);
}

static void op_unlock(struct stage *st)
{
	insist(st, sfshm_unlock(&my_lock) == 0);
}

static void op_verify(struct stage *st)
{
	insist(st, sfshm_verify(mine, NULL, NULL) == 0);
}

#define A_LOCK .key = A_KEY, .finish = finish_lock

const struct scenario lock_scenarios[] = {
	{
		A_LOCK,
		.name = "lock: new",
		.prepare = act_warm,
		.operate = op_lock,
	},
	{
		.key = A_KEY,
		.finish = finish_long_lock,
		.name = "lock: new, with a long key",
		.prepare = act_warm,
		.operate = op_lock_long,
	},
	{
		A_LOCK,
		.name = "lock: at rest",
		.prepare = warm_lock,
		.operate = op_lock,
	},
	{
		A_LOCK,
		.name = "lock: the holder unlocks",
		.before = show_lock_is_held,
		.prepare = act_warm,
		.operate = op_lock,
		.asleep = show_lock_comes_back,
		.flags = MAY_BE_BUSY,
	},
	{
		A_LOCK,
		.name = "lock: the holder dies",
		.before = show_lock_is_held,
		.prepare = act_warm,
		.operate = op_lock,
		.asleep = show_holder_of_lock_dies,
		.flags = MAY_BE_BUSY,
	},
	{
		A_LOCK,
		.name = "lock: time-out",
		.before = show_lock_is_held,
		.prepare = act_warm,
		.operate = op_lock_in_vain,
		.flags = MAY_BE_BUSY,
	},
	{
		A_LOCK,
		.name = "lock: taken over from the dead",
		.before = show_lock_is_held,
		.prepare = act_warm,
		.between = show_holder_of_lock_dies,
		.operate = op_lock,
	},
	{
		A_LOCK,
		.name = "lock: tried, from the dead",
		.before = show_lock_is_held,
		.prepare = act_warm,
		.between = show_holder_of_lock_dies,
		.operate = op_try,
	},
	{
		A_LOCK,
		.name = "lock: its dead holder is reaped",
		.before = show_lock_is_held,
		.prepare = act_warm,
		.between = show_holder_of_lock_dies,
		.operate = op_verify,
	},
	{
		.key = A_KEY,
		.finish = finish_ranks,
		.name = "lock: above a rank",
		.prepare = hold_lower,
		.operate = op_lock,
	},
	{
		.key = A_KEY,
		.finish = finish_ranks,
		.name = "lock: below a rank, refused",
		.prepare = hold_higher,
		.operate = op_lock_wrong_rank,
	},
	{
		A_LOCK,
		.name = "lock: given back (unlock)",
		.prepare = hold_lock,
		.operate = op_unlock,
	},
	{
		A_LOCK,
		.name = "lock: new, shared",
		.prepare = act_warm,
		.operate = op_share,
	},
	{
		A_LOCK,
		.name = "lock: at rest, shared",
		.prepare = warm_lock,
		.operate = op_share,
	},
	{
		A_LOCK,
		.name = "lock: shared after a dead holder",
		.before = show_lock_is_held,
		.prepare = act_warm,
		.between = show_holder_of_lock_dies,
		.operate = op_share,
	},
	{
		A_LOCK,
		.name = "lock: given back, shared (unlock)",
		.prepare = hold_shared,
		.operate = op_unlock,
	},
	{
		A_LOCK,
		.name = "lock: after it was shared",
		.prepare = warm_shared,
		.operate = op_lock,
	},
	{
		A_LOCK,
		.name = "lock: a sharer unlocks",
		.before = show_lock_is_shared,
		.prepare = act_warm,
		.operate = op_lock,
		.asleep = show_lock_comes_back,
		.flags = MAY_BE_BUSY,
	},
	{
		A_LOCK,
		.name = "lock: a sharer dies",
		.before = show_lock_is_shared,
		.prepare = act_warm,
		.operate = op_lock,
		.asleep = sharer_dies,
		.flags = MAY_BE_BUSY,
	},
	{
		A_LOCK,
		.name = "lock: given back, shared; another waits",
		.before = another_comes,
		.prepare = hold_shared,
		.between = another_drains,
		.operate = op_unlock,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{
		.key = A_KEY,
		.finish = finish_path,
		.name = "lock: by path",
		.prepare = act_warm,
		.operate = op_lock_path,
	},
	{
		A_LOCK,
		.name = "lock: woken by unlock, another waits",
		.before = holder_and_another,
		.prepare = act_warm,
		.operate = op_lock,
		.asleep = holder_unlocks_to_two,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{
		A_LOCK,
		.name = "lock: woken by a death, another waits",
		.before = holder_and_another,
		.prepare = act_warm,
		.operate = op_lock,
		.asleep = holder_dies_on_two,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{ .name = NULL },
};
