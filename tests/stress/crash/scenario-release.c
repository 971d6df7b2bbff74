/* SPDX-License-Identifier: MIT */
/*
 * Giving everything back at once, leases and thefts, results that nobody keeps,
 * and readers of several keys.
 */
#include "scenario.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sfshm/lock.h>
#include <sfshm/pin.h>
#include <sfshm/release.h>
#include <sfshm/semaphore.h>

#define LOCK "a lock"
#define SHARED_LOCK "a shared lock"
#define SEMAPHORE "a semaphore"
#define MAX 2
#define TASK 7

static int acquire(struct sfshm *h, struct sfshm_permit *permit)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;

	o.flags = SFSHM_SEMAPHORE_TRY;
	o.max = MAX;
	return sfshm_acquire(h, SEMAPHORE, strlen(SEMAPHORE), &o, permit);
}

/* Takes the lock alone, at once, and gives it back. */
static bool can_be_had(struct sfshm *h, const char *key)
{
	struct sfshm_lock lock;

	return sfshm_trylock(h, key, strlen(key), &lock) >= 0 &&
	       !sfshm_unlock(&lock);
}

static const char *finish(const struct stage *st, struct sfshm *h)
{
	struct sfshm_permit permit[MAX];

	(void)st;
	if (!can_be_had(h, LOCK))
		return "the lock cannot be had";
	if (!can_be_had(h, SHARED_LOCK))
		return "the lock that was shared cannot be had";
	for (int i = 0; i < MAX; i++)
		if (acquire(h, &permit[i]))
			return "a permit is lost";
	for (int i = 0; i < MAX; i++)
		if (sfshm_permit_release(&permit[i]))
			return "a permit cannot be given back";
	return NULL;
}

static void hold_all(struct stage *st)
{
	static struct sfshm_lock lock, shared;
	static struct sfshm_permit permit;
	static struct sfshm_pin pin;
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	act_warm(st);
	act_make(st, A_KEY, 100);
	insist(st,
	       sfshm_pin(mine, A_KEY, strlen(A_KEY), &pin, &my_result) == 0);
	insist(st, sfshm_lock(mine, LOCK, strlen(LOCK), NULL, &lock) == 0);
	o.flags = SFSHM_LOCK_SHARED;
	insist(st, sfshm_lock(mine, SHARED_LOCK, strlen(SHARED_LOCK), &o,
			      &shared) == 0);
	insist(st, acquire(mine, &permit) == 0);
	act_lead(st, A_KEY, 0);
}

static void op_release_all(struct stage *st)
{
	insist(st, sfshm_release_all(mine, 0) == 5);
}

static void lead_for_a_task(struct stage *st)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	act_warm(st);
	policy.flags = SFSHM_DETACHED;
	policy.task = TASK;
	insist(st, sfshm_begin(mine, A_KEY, strlen(A_KEY), &policy, &my_flight,
			       &my_result) == SFSHM_LEADER);
	stage_note_led(st, A_KEY, my_result.generation);
}

/* Another thread leads, until its lease ends. */
static void *lead_with_short_lease(void *st)
{
	insist(st, act_begin(A_KEY, SFSHM_DETACHED, 1) == SFSHM_LEADER);
	stage_note_led(st, A_KEY, my_result.generation);
	return act_stay(NULL);
}

static void another_leads_too_long(struct stage *st)
{
	act_warm(st);
	act_beside(st, lead_with_short_lease);
	usleep(3000);
}

static void thief_comes(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'l');
	helper_cue(sh->st, &sh->helper[0], 'p');
}

static void op_publish_what_is_stolen(struct stage *st)
{
	insist(st, sfshm_publish(&my_flight, my_data, 50) == -ESTALE);
}

static void op_release_task(struct stage *st)
{
	insist(st, sfshm_release_all(mine, TASK) == 1);
}

static void lead_again(struct stage *st)
{
	act_warm(st);
	act_make(st, A_KEY, 300);
	act_lead(st, A_KEY, 0);
}

static void lead_with_lease(struct stage *st)
{
	act_warm(st);
	act_lead(st, A_KEY, 60000);
}

static void op_extend(struct stage *st)
{
	insist(st, sfshm_extend(&my_flight, 90000) == 0);
}

static void op_publish_for_itself(struct stage *st)
{
	sfshm_flight_uncacheable(&my_flight, 0);
	act_publish(st, 100);
}

static void op_mark_uncacheable(struct stage *st)
{
	sfshm_flight_uncacheable(&my_flight, SFSHM_FOREVER);
	act_publish(st, 100);
}

/* While the mark stands, each caller runs the work for itself. */
static const char *finish_mark(const struct stage *st, struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	int r = sfshm_begin(h, A_KEY, strlen(A_KEY), NULL, &flight, &result);
	bool marked = r == SFSHM_LEADER && !result.coordinated;

	(void)st;
	sfshm_result_clear(&result);
	if (r == SFSHM_LEADER && sfshm_publish(&flight, "x", 1))
		return "the flight cannot be ended";
	if (marked && sfshm_forget(h, A_KEY, strlen(A_KEY)))
		return "the mark cannot be forgotten";
	return r == SFSHM_LEADER || r == SFSHM_CACHED ? NULL : "begin";
}

static void leader_leads(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'l');
}

static void leader_publishes_for_itself(struct show *sh)
{
	helper_cue(sh->st, &sh->helper[0], 'U');
}

/* The follower runs the work, too. */
static void op_follow(struct stage *st)
{
	insist(st, act_begin(A_KEY, 0, 0) == SFSHM_LEADER);
	act_publish(st, 100);
}

static void several_values(struct stage *st)
{
	act_warm(st);
	act_make(st, A_KEY, 300);
	act_make(st, A_LONG_KEY, 20);
}

static void op_get_many(struct stage *st)
{
	struct sfshm_result results[] = { SFSHM_RESULT_INIT, SFSHM_RESULT_INIT,
					  SFSHM_RESULT_INIT };
	const struct iovec keys[] = {
		{ .iov_base = A_KEY, .iov_len = strlen(A_KEY) },
		{ .iov_base = "nothing", .iov_len = 7 },
		{ .iov_base = A_LONG_KEY, .iov_len = strlen(A_LONG_KEY) },
	};
	int outcomes[3];

	insist(st, sfshm_get_many(mine, keys, 3, results, outcomes) == 2);
}

static void op_walk(struct stage *st)
{
	static struct sfshm_walk walk = SFSHM_WALK_INIT;
	int n = 0;

	while (sfshm_next_key(mine, NULL, 0, &walk) == 1)
		n++;
	insist(st, n == 3);
}

const struct scenario release_scenarios[] = {
	{
		.name = "release_all: flight, locks, permit and pin",
		.key = A_KEY,
		.prepare = hold_all,
		.operate = op_release_all,
		.finish = finish,
	},
	{
		.name = "release_all: the flight of a task",
		.key = A_KEY,
		.prepare = lead_for_a_task,
		.operate = op_release_task,
	},
	{
		.name = "publish: what was stolen from another thread",
		.key = A_KEY,
		.prepare = another_leads_too_long,
		.between = thief_comes,
		.operate = op_publish_what_is_stolen,
		.flags = NO_COPIES,
	},
	{
		.name = "extend",
		.key = A_KEY,
		.prepare = lead_with_lease,
		.operate = op_extend,
	},
	{
		.name = "publish: uncacheable",
		.key = A_KEY,
		.prepare = lead_again,
		.operate = op_publish_for_itself,
	},
	{
		.name = "publish: uncacheable from here on",
		.key = A_KEY,
		.prepare = lead_again,
		.operate = op_mark_uncacheable,
		.finish = finish_mark,
	},
	{
		.name = "wait: the leader publishes for itself",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_warm,
		.operate = op_follow,
		.asleep = leader_publishes_for_itself,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "get many",
		.key = A_KEY,
		.prepare = several_values,
		.operate = op_get_many,
	},
	{
		.name = "next key: all keys",
		.key = A_KEY,
		.prepare = several_values,
		.operate = op_walk,
	},
	{ .name = NULL },
};
