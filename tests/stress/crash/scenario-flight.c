/* SPDX-License-Identifier: MIT */
/* Beginning, following, taking over, ending. */
#include "scenario.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <sfshm/do.h>

struct sfshm *mine;
struct sfshm_flight my_flight;
struct sfshm_result my_result = SFSHM_RESULT_INIT;
uint8_t my_data[STAGE_MAX_VALUE];

void act_open(struct stage *st)
{
	mine = stage_open(st);
	insist(st, mine);
	pattern_fill(my_data, sizeof(my_data), 7);
}

void act_attach(struct stage *st)
{
	act_open(st);
	insist(st, sfshm_get(mine, "nothing", 7, &my_result) == -ENODATA);
}

int act_begin(const char *key, uint32_t flags, uint32_t lock_age_ms)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.ttl_ms = SFSHM_FOREVER;
	policy.neg_ttl_ms = SFSHM_FOREVER;
	policy.flags = flags | SFSHM_KEEP;
	policy.lock_age_ms = lock_age_ms;
	return sfshm_begin(mine, key, strlen(key), &policy, &my_flight,
			   &my_result);
}

void act_lead(struct stage *st, const char *key, uint32_t lock_age_ms)
{
	insist(st, act_begin(key, SFSHM_REFRESH, lock_age_ms) == SFSHM_LEADER);
	stage_note_led(st, key, my_result.generation);
}

void act_publish(struct stage *st, size_t len)
{
	insist(st, sfshm_publish(&my_flight, my_data, len) == 0);
}

void act_make(struct stage *st, const char *key, size_t len)
{
	act_lead(st, key, 0);
	act_publish(st, len);
	stage_note_published(st, key, my_result.generation);
}

/* Slots, granules and records are in use already. */
void act_warm(struct stage *st)
{
	act_open(st);
	act_make(st, "warm", 40);
}

static void warm_key(struct stage *st)
{
	act_warm(st);
	act_lead(st, A_KEY, 0);
	insist(st, sfshm_release(&my_flight) == 0);
}

static void warm_value(struct stage *st)
{
	act_warm(st);
	act_make(st, A_KEY, 100);
}

static void op_begin(struct stage *st)
{
	insist(st, act_begin(A_KEY, 0, 0) == SFSHM_LEADER);
}

static void op_begin_long(struct stage *st)
{
	insist(st, act_begin(A_LONG_KEY, 0, 0) == SFSHM_LEADER);
}

static void op_refresh(struct stage *st)
{
	insist(st, act_begin(A_KEY, SFSHM_REFRESH, 0) == SFSHM_LEADER);
}

static void op_hit(struct stage *st)
{
	insist(st, act_begin(A_KEY, 0, 0) == SFSHM_CACHED);
}

/* These let a helper lead, and let it end its flight or die. */
static void leader_leads(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'l');
}

static void leader_refreshes(struct show *sh)
{
	leader_leads(sh);
	helper_cue(sh->st, &sh->helper[0], 'P');
	helper_cue(sh->st, &sh->helper[0], 'l');
}

/* Longer than the leader's lease, which is one millisecond. */
#define LATE_US 3000

static void leader_is_late(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'L');
	usleep(LATE_US);
}

static void leader_publishes(struct show *sh)
{
	helper_cue(sh->st, &sh->helper[0], 'P');
}

static void leader_fails(struct show *sh)
{
	helper_cue(sh->st, &sh->helper[0], 'f');
}

static void leader_releases(struct show *sh)
{
	helper_cue(sh->st, &sh->helper[0], 'r');
}

static void leader_dies(struct show *sh)
{
	helper_kill(&sh->helper[0]);
}

static void op_follow(struct stage *st)
{
	int r = act_begin(A_KEY, 0, 0);

	insist(st, r == SFSHM_AWAITED || r == SFSHM_LEADER || r == -EREMOTEIO);
}

static void op_follow_only(struct stage *st)
{
	int r = act_begin(A_KEY, SFSHM_FOLLOW, 0);

	insist(st, r == -EOWNERDEAD);
}

static void op_follow_in_vain(struct stage *st)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.deadline_ns = sfshm_deadline_ms(20);
	insist(st, sfshm_begin(mine, A_KEY, strlen(A_KEY), &policy, &my_flight,
			       &my_result) == -ETIMEDOUT);
}

static void op_steal(struct stage *st)
{
	insist(st, act_begin(A_KEY, 0, 1) == SFSHM_LEADER);
}

/* These let the victim lead, before it ends the flight. */
static void lead_new(struct stage *st)
{
	act_warm(st);
	act_lead(st, A_KEY, 0);
}

static void lead_again(struct stage *st)
{
	act_warm(st);
	act_make(st, A_KEY, 40);
	act_make(st, A_KEY, 44);
	act_lead(st, A_KEY, 0);
}

static void lead_after_large(struct stage *st)
{
	act_warm(st);
	act_make(st, A_KEY, 3000);
	act_make(st, A_KEY, 40);
	act_lead(st, A_KEY, 0);
}

static void lead_with_age(struct stage *st)
{
	act_warm(st);
	act_make(st, A_KEY, 40);
	act_lead(st, A_KEY, 1);
	usleep(LATE_US);
}

/* Somebody takes the victim's flight from it. */
static void thief_comes(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'l');
	helper_cue(sh->st, &sh->helper[0], 'p');
}

static void op_publish_small(struct stage *st)
{
	act_publish(st, 50);
}

static void op_publish_large(struct stage *st)
{
	act_publish(st, 2000);
}

static void op_publish_nothing(struct stage *st)
{
	act_publish(st, 0);
}

static void op_fail(struct stage *st)
{
	insist(st, sfshm_fail(&my_flight, -5, "some words") == 0);
}

static void op_release(struct stage *st)
{
	insist(st, sfshm_release(&my_flight) == 0);
}

static void op_publish_late(struct stage *st)
{
	insist(st, sfshm_publish(&my_flight, my_data, 50) == -ESTALE);
}

static int work(struct sfshm_flight *flight, void *unused)
{
	(void)unused;
	return sfshm_publish(flight, "x", 1);
}

static void op_do(struct stage *st)
{
	insist(st, sfshm_do(mine, A_KEY, strlen(A_KEY), NULL, work, NULL,
			    &my_result) == SFSHM_COMPUTED);
}

const struct scenario flight_scenarios[] = {
	{
		.name = "begin: first key of the segment",
		.key = A_KEY,
		.prepare = act_attach,
		.operate = op_begin,
	},
	{
		.name = "begin: new key",
		.key = A_KEY,
		.prepare = act_warm,
		.operate = op_begin,
	},
	{
		.name = "begin: new long key",
		.key = A_LONG_KEY,
		.prepare = act_warm,
		.operate = op_begin_long,
	},
	{
		.name = "begin: key without a value",
		.key = A_KEY,
		.prepare = warm_key,
		.operate = op_begin,
	},
	{
		.name = "begin: refresh a value",
		.key = A_KEY,
		.prepare = warm_value,
		.operate = op_refresh,
	},
	{
		.name = "begin: hit",
		.key = A_KEY,
		.prepare = warm_value,
		.operate = op_hit,
	},
	{
		.name = "wait: the leader publishes",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_warm,
		.operate = op_follow,
		.asleep = leader_publishes,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "wait: the leader fails",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_warm,
		.operate = op_follow,
		.asleep = leader_fails,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "wait: the leader releases",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_warm,
		.operate = op_follow,
		.asleep = leader_releases,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "wait: the leader dies",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_warm,
		.operate = op_follow,
		.asleep = leader_dies,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "wait, never lead: the leader dies",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_warm,
		.operate = op_follow_only,
		.asleep = leader_dies,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "wait: time-out",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_warm,
		.operate = op_follow_in_vain,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "take over a new key",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_warm,
		.between = leader_dies,
		.operate = op_follow,
	},
	{
		.name = "take over a refresh",
		.key = A_KEY,
		.before = leader_refreshes,
		.prepare = act_warm,
		.between = leader_dies,
		.operate = op_refresh,
	},
	{
		.name = "steal",
		.key = A_KEY,
		.before = leader_is_late,
		.prepare = act_warm,
		.operate = op_steal,
	},
	{
		.name = "publish: small, new memory",
		.key = A_KEY,
		.prepare = lead_new,
		.operate = op_publish_small,
	},
	{
		.name = "publish: small, fits in place",
		.key = A_KEY,
		.prepare = lead_again,
		.operate = op_publish_small,
	},
	{
		.name = "publish: large",
		.key = A_KEY,
		.prepare = lead_new,
		.operate = op_publish_large,
	},
	{
		.name = "publish: large, in another size's place",
		.key = A_KEY,
		.prepare = lead_after_large,
		.operate = op_publish_large,
	},
	{
		.name = "publish: nothing, in a large one's place",
		.key = A_KEY,
		.prepare = lead_after_large,
		.operate = op_publish_nothing,
	},
	{
		.name = "publish: too late",
		.key = A_KEY,
		.prepare = lead_with_age,
		.between = thief_comes,
		.operate = op_publish_late,
	},
	{
		.name = "fail, with words",
		.key = A_KEY,
		.prepare = lead_again,
		.operate = op_fail,
	},
	{
		.name = "release",
		.key = A_KEY,
		.prepare = lead_new,
		.operate = op_release,
	},
	{
		.name = "do",
		.key = A_KEY,
		.prepare = act_warm,
		.operate = op_do,
	},
	{ .name = NULL },
};
