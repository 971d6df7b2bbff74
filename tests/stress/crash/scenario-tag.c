/* SPDX-License-Identifier: MIT */
/*
 * Tags. Wherever a process dies, a value that others find carries the tags that
 * it was published with, and an invalidation that has returned stays in force.
 */
#include "scenario.h"

#include <string.h>

#include <sfshm/put.h>
#include <sfshm/resize.h>
#include <sfshm/tag.h>

#define OTHER_TAG "another tag"
#define TAG_OF(name)                                                \
	{                                                           \
		.iov_base = (void *)(name), .iov_len = strlen(name) \
	}

static int invalidate(struct sfshm *h)
{
	return sfshm_invalidate_tag(h, STAGE_TAG, strlen(STAGE_TAG));
}

static bool is_whole(const struct sfshm_result *result)
{
	unsigned int seed;

	return pattern_whole(result->value.data, result->value.len, &seed);
}

/* The generation of the key's fresh value, if there is one, or 0. */
static uint64_t fresh_value(struct sfshm *h, const char **wrong)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t generation = 0;

	if (sfshm_get(h, A_KEY, strlen(A_KEY), &result) == SFSHM_CACHED) {
		generation = result.generation;
		if (!is_whole(&result))
			*wrong = "a torn value with tags";
	}
	sfshm_result_clear(&result);
	return generation;
}

static const char *find_stale_value(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	const char *wrong = NULL;

	policy.flags = SFSHM_STALE_ON_TIMEOUT;
	if (sfshm_peek(h, A_KEY, strlen(A_KEY), &policy, &result) !=
	    SFSHM_CACHED)
		wrong = "a stale value is lost";
	else if (!result.stale)
		wrong = "a stale value is called fresh";
	else if (!is_whole(&result))
		wrong = "a torn value that is stale";
	sfshm_result_clear(&result);
	return wrong;
}

/* If the invalidation has not returned, the value may be fresh or stale. */
static const char *finish(const struct stage *st, struct sfshm *h)
{
	const char *wrong = NULL;
	uint64_t before, after;

	if (st->finished)
		return NULL;
	before = fresh_value(h, &wrong);
	if (before > st->tag.without && before <= st->tag.outdated)
		return "a value whose tag was invalidated is fresh";
	if (invalidate(h))
		return "the tag cannot be invalidated";
	after = fresh_value(h, &wrong);
	if (after > st->tag.without)
		return "a value does not carry its tag";
	if (before && before <= st->tag.without && !after)
		return "a value is stale without its tag's invalidation";
	return before && !after && !wrong ? find_stale_value(h) : wrong;
}

static void tag_flight(struct stage *st, const char *tag)
{
	insist(st, sfshm_flight_tag(&my_flight, tag, strlen(tag)) == 0);
}

static void make_tagged(struct stage *st, const char *tag)
{
	act_lead(st, A_KEY, 0);
	tag_flight(st, tag);
	act_publish(st, 300);
	stage_note_published(st, A_KEY, my_result.generation);
}

static void value_of_another_tag(struct stage *st)
{
	act_warm(st);
	make_tagged(st, OTHER_TAG);
	st->tag.without = my_result.generation;
}

static void tagged_value(struct stage *st)
{
	value_of_another_tag(st);
	make_tagged(st, STAGE_TAG);
}

static void op_invalidate(struct stage *st)
{
	insist(st, invalidate(mine) == 0);
	st->tag.outdated = stage_led(st, A_KEY);
	/* It dies after the call, too. */
	insist(st, sfshm_get(mine, A_KEY, strlen(A_KEY), &my_result) < 0);
}

static void outdated_value(struct stage *st)
{
	tagged_value(st);
	op_invalidate(st);
}

static void lead_over_another_tag(struct stage *st)
{
	value_of_another_tag(st);
	act_lead(st, A_KEY, 0);
}

static void lead_over_tagged(struct stage *st)
{
	tagged_value(st);
	act_lead(st, A_KEY, 0);
}

static void lead_with_tag(struct stage *st)
{
	lead_over_another_tag(st);
	tag_flight(st, STAGE_TAG);
}

static void op_publish(struct stage *st)
{
	tag_flight(st, STAGE_TAG);
	act_publish(st, 100);
}

static void op_publish_with_four(struct stage *st)
{
	tag_flight(st, "one");
	tag_flight(st, "two");
	tag_flight(st, "three");
	tag_flight(st, STAGE_TAG);
	act_publish(st, 1000);
}

static void somebody_invalidates(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'i');
	/* The victim's flight began before. */
	sh->st->tag.outdated = stage_led(sh->st, A_KEY);
}

static void op_publish_stale(struct stage *st)
{
	insist(st,
	       sfshm_publish(&my_flight, my_data, 100) == SFSHM_INVALIDATED);
}

static void op_put(struct stage *st)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct iovec tags[] = { TAG_OF("one"), TAG_OF(STAGE_TAG) };

	policy.ttl_ms = SFSHM_FOREVER;
	insist(st, sfshm_put_tagged(mine, A_KEY, strlen(A_KEY), &policy,
				    my_data, 100, tags, 2) == 0);
}

static void op_touch(struct stage *st)
{
	insist(st, sfshm_touch(&my_flight) == 0);
}

static void op_hit(struct stage *st)
{
	insist(st, act_begin(A_KEY, 0, 0) == SFSHM_CACHED);
}

static void op_refresh(struct stage *st)
{
	insist(st, act_begin(A_KEY, 0, 0) == SFSHM_LEADER);
	op_publish(st);
}

static void op_peek(struct stage *st)
{
	insist(st, !find_stale_value(mine));
}

static void op_resize(struct stage *st)
{
	struct sfshm_options o = { .size = sizeof(o), .slots = STAGE_SLOTS };

	insist(st, sfshm_resize(st->path, &o, 0, NULL, NULL) == 0);
}

#define A_TAG .key = A_KEY, .finish = finish

const struct scenario tag_scenarios[] = {
	{
		A_TAG,
		.name = "tag: publish with a tag",
		.prepare = lead_over_another_tag,
		.operate = op_publish,
	},
	{
		A_TAG,
		.name = "tag: publish with four tags, large",
		.prepare = lead_over_another_tag,
		.operate = op_publish_with_four,
	},
	{
		A_TAG,
		.name = "tag: publish, invalidated meanwhile",
		.prepare = lead_with_tag,
		.between = somebody_invalidates,
		.operate = op_publish_stale,
	},
	{
		A_TAG,
		.name = "tag: put with tags",
		.prepare = value_of_another_tag,
		.operate = op_put,
	},
	{
		A_TAG,
		.name = "tag: touch",
		.prepare = lead_over_tagged,
		.operate = op_touch,
	},
	{
		A_TAG,
		.name = "tag: invalidate, then get",
		.prepare = tagged_value,
		.operate = op_invalidate,
	},
	{
		A_TAG,
		.name = "tag: invalidate again, then get",
		.prepare = outdated_value,
		.operate = op_invalidate,
	},
	{
		A_TAG,
		.name = "tag: hit",
		.prepare = tagged_value,
		.operate = op_hit,
	},
	{
		A_TAG,
		.name = "tag: refresh after an invalidation",
		.prepare = outdated_value,
		.operate = op_refresh,
	},
	{
		A_TAG,
		.name = "tag: peek at a stale value",
		.prepare = outdated_value,
		.operate = op_peek,
	},
	{
		A_TAG,
		.name = "tag: resize",
		.prepare = tagged_value,
		.operate = op_resize,
		.flags = NO_COPIES | REPLACES,
	},
	{ .name = NULL },
};
