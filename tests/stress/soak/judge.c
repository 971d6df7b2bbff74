/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sfshm.h>

#include "board.h"
#include "os/atomics.h"

/* The library's clock for lifetimes is a coarse one. */
#define CLOCK_SLACK_NS UINT64_C(30000000)

/*
 * A value that was moved or renewed may have a higher generation than the one
 * that it was published with; else they are the same.
 */
static void judge_generation(uint32_t key, const struct stamp *stamp,
			     const struct sfshm_result *result, uint64_t floor)
{
	bool moved = load_acquire(&board->resizes) ||
		     load_acquire(&board->renewed[key]);

	if (stamp->generation & PUT_MARK)
		return;
	if (stamp->generation < floor)
		violation("key %" PRIu32 ": generation %" PRIu64
			  " came after %" PRIu64,
			  key, stamp->generation, floor);
	if (moved ? result->generation < stamp->generation :
		    result->generation != stamp->generation)
		violation("key %" PRIu32 ": generation %" PRIu64
			  " is told as %" PRIu64,
			  key, stamp->generation, result->generation);
}

static void judge_age(uint32_t key, const struct stamp *stamp,
		      const struct sfshm_result *result)
{
	uint64_t most = stamp->ttl_ms * UINT64_C(1000000) + CLOCK_SLACK_NS;

	/* Who waited for it gets it however short its life is. */
	if (result->source != SFSHM_CACHED || result->stale ||
	    stamp->ttl_ms == SFSHM_FOREVER)
		return;
	if (result->age_ns > most)
		violation("key %" PRIu32 ": a value for %" PRIu32
			  " ms is %" PRIu64 " ms old",
			  key, stamp->ttl_ms, result->age_ns / 1000000);
}

uint64_t floor_of(uint32_t key)
{
	tags_before_call();
	return load_acquire(&board->highest[key]);
}

static void judge_tags(uint32_t key, const struct stamp *stamp,
		       const struct sfshm_result *result)
{
	if (result->stale || !stamp->tags)
		return;
	count(TALLY_tagged);
	if (tags_outdate(stamp, load_acquire(&board->renewed[key])))
		violation("key %" PRIu32 ": generation %" PRIx64
			  " is fresh, and its tag was invalidated",
			  key, stamp->generation);
}

void judge_value(uint32_t key, const struct sfshm_result *result,
		 const void *data, uint64_t floor)
{
	struct stamp stamp;
	enum value_fault fault =
		value_look(data, result->value.len, key, &stamp);

	if (fault) {
		violation("key %" PRIu32 ": a value is %s", key,
			  fault == VALUE_TORN ? "torn" : "another key's");
		return;
	}
	judge_generation(key, &stamp, result, floor);
	judge_age(key, &stamp, result);
	judge_tags(key, &stamp, result);
	if (!(stamp.generation & PUT_MARK))
		raise_to(&board->highest[key], stamp.generation);
	report(EVENT_READ, key, stamp.generation, stamp.sum);
}

void judge_failure(uint32_t key, const struct sfshm_result *result)
{
	char wanted[32];
	int n = snprintf(wanted, sizeof(wanted), "of %" PRIu32 ":", key);

	/* SFSHM_FAIL_IF_LOST: it had no time for words. */
	if (result->code == -EOWNERDEAD) {
		count(TALLY_lost);
		return;
	}
	if (strncmp(result->message, wanted, (size_t)n) != 0)
		violation("key %" PRIu32 ": failed with \"%s\"", key,
			  result->message);
}

void judge_look(uint32_t key, int r, const struct sfshm_result *result,
		uint64_t floor)
{
	if (r == SFSHM_CACHED)
		judge_value(key, result, result->value.data, floor);
	else if (r == -EREMOTEIO || r == -ENOENT)
		judge_failure(key, result);
	else if (r != -ENODATA)
		violation("key %" PRIu32 ": get says: %s", key,
			  sfshm_strerror(r));
	if (r == SFSHM_CACHED && result->stale)
		violation("key %" PRIu32 ": get returns a stale value", key);
}

void judge_answer(uint32_t key, int r, const struct sfshm_policy *policy,
		  const struct sfshm_result *result, uint64_t floor)
{
	if (r == SFSHM_CACHED || r == SFSHM_AWAITED) {
		if (r == SFSHM_AWAITED)
			count(TALLY_awaited);
		if (result->stale)
			count(TALLY_stale);
		if (r == SFSHM_CACHED && result->stale &&
		    !policy_takes_stale(policy))
			violation("key %" PRIu32 ": no policy takes this stale "
				  "value",
				  key);
		judge_value(key, result, result->value.data, floor);
	} else if (r == -EREMOTEIO || r == -ENOENT) {
		judge_failure(key, result);
	} else if (!policy_lets_say(policy, r)) {
		violation("key %" PRIu32 ": a call says: %s", key,
			  sfshm_strerror(r));
	}
}

bool key_read(struct sfshm *handle, uint32_t key, struct sfshm_result *result)
{
	uint64_t floor = floor_of(key);
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r = sfshm_get(handle, text, len, result);

	judge_look(key, r, result, floor);
	return r == SFSHM_CACHED;
}
