/* SPDX-License-Identifier: MIT */
/*
 * Values that are stored without the lead, renewed or declared out of date;
 * and leading under a claim.
 */
#include "scenario.h"

#include <errno.h>
#include <string.h>

#include <sfshm/put.h>

#define OTHER "a key that shares the claim"
#define MISSING "a key that nobody has led"

/* The generation of the key's value, where it matters. */
static uint64_t my_generation;

static int put(const char *key, size_t len)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.ttl_ms = SFSHM_FOREVER;
	return sfshm_put(mine, key, strlen(key), &policy, my_data, len);
}

static int put_if(uint64_t generation)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.ttl_ms = SFSHM_FOREVER;
	return sfshm_put_if(mine, A_KEY, strlen(A_KEY), &policy, my_data, 100,
			    generation);
}

static void value(struct stage *st)
{
	act_warm(st);
	act_make(st, A_KEY, 300);
	my_generation = my_result.generation;
}

static void lead_again(struct stage *st)
{
	value(st);
	act_lead(st, A_KEY, 0);
}

static void lead_after_large(struct stage *st)
{
	act_warm(st);
	act_make(st, A_KEY, 3000);
	act_lead(st, A_KEY, 0);
}

static void several_values(struct stage *st)
{
	value(st);
	act_make(st, A_LONG_KEY, 200);
	act_make(st, "empty", 0);
}

/* Notes the generation of the value that the leader replaces. */
static void see_generation(struct stage *st)
{
	act_warm(st);
	insist(st, sfshm_get(mine, A_KEY, strlen(A_KEY), &my_result) ==
			   SFSHM_CACHED);
	my_generation = my_result.generation;
}

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

static void leader_dies(struct show *sh)
{
	helper_kill(&sh->helper[0]);
}

static void op_put_new(struct stage *st)
{
	insist(st, put(MISSING, 100) == 0);
}

static void op_put(struct stage *st)
{
	insist(st, put(A_KEY, 100) == 0);
}

static void op_put_large(struct stage *st)
{
	insist(st, put(A_KEY, 2000) == 0);
}

static void op_put_too_large(struct stage *st)
{
	insist(st, put(A_KEY, STAGE_MAX_VALUE + 1) == -EMSGSIZE);
}

static void op_put_if(struct stage *st)
{
	insist(st, put_if(my_generation) == 0);
}

static void op_put_if_refused(struct stage *st)
{
	insist(st, put_if(my_generation + 1) == -ESTALE);
}

static void op_put_if_missing(struct stage *st)
{
	insist(st, put_if(0) == 0);
}

static void op_value(struct stage *st)
{
	insist(st, sfshm_flight_value(&my_flight, &my_result) == 0);
}

static void op_touch(struct stage *st)
{
	insist(st, sfshm_touch(&my_flight) == 0);
}

static void op_invalidate(struct stage *st)
{
	insist(st, sfshm_invalidate(mine, A_KEY, strlen(A_KEY), 0) == 0);
}

static void op_invalidate_hard(struct stage *st)
{
	insist(st,
	       sfshm_invalidate(mine, A_KEY, strlen(A_KEY), SFSHM_HARD) == 0);
}

/* Three values, and "warm". */
static void op_invalidate_all(struct stage *st)
{
	insist(st, sfshm_invalidate_all(mine, 0) == 4);
}

static void op_invalidate_all_hard(struct stage *st)
{
	insist(st, sfshm_invalidate_all(mine, SFSHM_HARD) == 4);
}

static int begin_claim(struct sfshm *h, const char *key, uint32_t flags,
		       struct sfshm_flight *flight, struct sfshm_result *result)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.flags = flags;
	policy.ttl_ms = SFSHM_FOREVER;
	policy.claim_key = STAGE_CLAIM;
	policy.claim_key_len = strlen(STAGE_CLAIM);
	return sfshm_begin(h, key, strlen(key), &policy, flight, result);
}

/* The claim can be had at once, unless one who lives has it. */
static const char *finish_claim(const struct stage *st, struct sfshm *h,
				bool busy)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	int r;

	(void)st;
	r = begin_claim(h, MISSING, SFSHM_REFRESH | (busy ? SFSHM_TRY : 0),
			&flight, &result);
	sfshm_result_clear(&result);
	if (r == -EBUSY && busy)
		return NULL;
	if (r != SFSHM_LEADER)
		return "the claim cannot be had";
	return sfshm_release(&flight) ? "the claim cannot be given back" : NULL;
}

static const char *finish(const struct stage *st, struct sfshm *h)
{
	return finish_claim(st, h, false);
}

static const char *finish_beside(const struct stage *st, struct sfshm *h)
{
	return finish_claim(st, h, st->finished == 0);
}

static void op_claim(struct stage *st)
{
	insist(st, begin_claim(mine, A_KEY, 0, &my_flight, &my_result) ==
			   SFSHM_LEADER);
}

static void lead_under_claim(struct stage *st)
{
	act_warm(st);
	op_claim(st);
}

/* The claim is at rest in its slot. */
static void warm_claim(struct stage *st)
{
	lead_under_claim(st);
	insist(st, sfshm_release(&my_flight) == 0);
}

static void op_publish(struct stage *st)
{
	insist(st, sfshm_publish(&my_flight, my_data, 100) == 0);
}

static void op_release(struct stage *st)
{
	insist(st, sfshm_release(&my_flight) == 0);
}

static void other_has_claim(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, OTHER);
	helper_cue(sh->st, &sh->helper[0], 'c');
}

static void other_publishes(struct show *sh)
{
	helper_cue(sh->st, &sh->helper[0], 'p');
}

const struct scenario put_scenarios[] = {
	{
		.name = "put: new key",
		.key = MISSING,
		.prepare = act_warm,
		.operate = op_put_new,
	},
	{
		.name = "put: over a value",
		.key = A_KEY,
		.prepare = value,
		.operate = op_put,
	},
	{
		.name = "put: over a value, in another size's place",
		.key = A_KEY,
		.prepare = value,
		.operate = op_put_large,
	},
	{
		.name = "put: over a value, too large",
		.key = A_KEY,
		.prepare = value,
		.operate = op_put_too_large,
	},
	{
		.name = "put: over a leader",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_warm,
		.operate = op_put,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "put: over a leader that refreshes",
		.key = A_KEY,
		.before = leader_refreshes,
		.prepare = act_warm,
		.operate = op_put,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "put: over a leader that is dead",
		.key = A_KEY,
		.before = leader_refreshes,
		.prepare = act_warm,
		.between = leader_dies,
		.operate = op_put,
	},
	{
		.name = "put: over a leader, too large",
		.key = A_KEY,
		.before = leader_refreshes,
		.prepare = act_warm,
		.operate = op_put_too_large,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "put if: new key",
		.key = A_KEY,
		.prepare = act_warm,
		.operate = op_put_if_missing,
	},
	{
		.name = "put if: over the value",
		.key = A_KEY,
		.prepare = value,
		.operate = op_put_if,
	},
	{
		.name = "put if: over another value, refused",
		.key = A_KEY,
		.prepare = value,
		.operate = op_put_if_refused,
	},
	{
		.name = "put if: over a leader",
		.key = A_KEY,
		.before = leader_refreshes,
		.prepare = see_generation,
		.operate = op_put_if,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "flight_value",
		.key = A_KEY,
		.prepare = lead_again,
		.operate = op_value,
	},
	{
		.name = "touch",
		.key = A_KEY,
		.prepare = lead_again,
		.operate = op_touch,
	},
	{
		.name = "touch: large",
		.key = A_KEY,
		.prepare = lead_after_large,
		.operate = op_touch,
	},
	{
		.name = "invalidate",
		.key = A_KEY,
		.prepare = value,
		.operate = op_invalidate,
	},
	{
		.name = "invalidate: somebody leads",
		.key = A_KEY,
		.before = leader_refreshes,
		.prepare = act_warm,
		.operate = op_invalidate,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "invalidate, hard",
		.key = A_KEY,
		.prepare = value,
		.operate = op_invalidate_hard,
	},
	{
		.name = "invalidate, hard: somebody leads",
		.key = A_KEY,
		.before = leader_refreshes,
		.prepare = act_warm,
		.operate = op_invalidate_hard,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "invalidate all",
		.key = A_KEY,
		.prepare = several_values,
		.operate = op_invalidate_all,
	},
	{
		.name = "invalidate all, hard",
		.key = A_KEY,
		.prepare = several_values,
		.operate = op_invalidate_all_hard,
	},
	{
		.name = "claim: new",
		.key = A_KEY,
		.prepare = act_warm,
		.operate = op_claim,
		.finish = finish,
	},
	{
		.name = "claim: at rest",
		.key = A_KEY,
		.prepare = warm_claim,
		.operate = op_claim,
		.finish = finish,
	},
	{
		.name = "claim: the holder publishes",
		.key = A_KEY,
		.before = other_has_claim,
		.prepare = act_warm,
		.operate = op_claim,
		.asleep = other_publishes,
		.finish = finish_beside,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "claim: the holder dies",
		.key = A_KEY,
		.before = other_has_claim,
		.prepare = act_warm,
		.operate = op_claim,
		.asleep = leader_dies,
		.finish = finish_beside,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "claim: taken over from the dead",
		.key = A_KEY,
		.before = other_has_claim,
		.prepare = act_warm,
		.between = leader_dies,
		.operate = op_claim,
		.finish = finish,
	},
	{
		.name = "claim: publish under it",
		.key = A_KEY,
		.prepare = lead_under_claim,
		.operate = op_publish,
		.finish = finish,
	},
	{
		.name = "claim: release under it",
		.key = A_KEY,
		.prepare = lead_under_claim,
		.operate = op_release,
		.finish = finish,
	},
	{ .name = NULL },
};
