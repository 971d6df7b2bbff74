/* SPDX-License-Identifier: MIT */
/* What a worker does besides asking: it puts, invalidates, peeks and walks. */
#include <inttypes.h>
#include <string.h>

#include <sfshm.h>
#include <sfshm/put.h>

#include "board.h"
#include "os/atomics.h"

#define MANY 4

static void judge_put(uint32_t key, int r)
{
	if (r >= 0)
		count(TALLY_put);
	else if (r == -ENOSPC)
		count(TALLY_no_room);
	else if (r == -ESTALE || r == -EBUSY)
		count(TALLY_puts_refused);
	else
		violation("key %" PRIu32 ": put says: %s", key,
			  sfshm_strerror(r));
}

/*
 * Stores a value, now and then only in place of the one that a look has found.
 */
static int store(struct sfshm *handle, const struct stamp *s,
		 const struct sfshm_policy *policy, const void *data,
		 size_t len, struct sfshm_result *result)
{
	struct iovec names[SFSHM_TAGS_MAX];
	uint64_t over = 0;
	char text[64];
	size_t n = key_text(text, sizeof(text), s->key);

	if (s->tags)
		return sfshm_put_tagged(handle, text, n, policy, data, len,
					names,
					tags_to_iov(names, (uint32_t)s->tags));
	if (random_below(3))
		return sfshm_put(handle, text, n, policy, data, len);
	if (sfshm_get(handle, text, n, result) == SFSHM_CACHED)
		over = result->generation;
	return sfshm_put_if(handle, text, n, policy, data, len, over);
}

static void put(struct sfshm *handle, uint32_t key, struct sfshm_result *result)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	uint32_t len = (uint32_t)VALUE_MIN + random_below(300);
	uint8_t data[VALUE_MIN + 300];
	struct stamp s = {
		.key = key,
		.generation = PUT_MARK |
			      (fetch_add_relaxed(&board->puts, 1) + 1),
		.tags = tags_choose(),
	};
	uint64_t sum;
	int r;

	policy.ttl_ms = random_below(2) ? SFSHM_FOREVER : random_below(100);
	policy.grace_ms = random_below(100);
	s.ttl_ms = policy.ttl_ms;
	sum = value_make_tagged(data, len, &s);
	report(EVENT_PUBLISHING, key, s.generation, sum);
	r = store(handle, &s, &policy, data, len, result);
	if (r < 0)
		report(EVENT_REFUSED, key, s.generation, sum);
	else
		tags_put(s.generation);
	judge_put(key, r);
}

static void invalidate_tag(struct sfshm *handle)
{
	int r = tags_invalidate(handle);

	count(TALLY_tags_invalidated);
	if (r)
		violation("invalidate_tag says: %s", sfshm_strerror(r));
}

/* What was read before a hard one is not to come back. */
void invalidate(struct sfshm *handle, uint32_t key)
{
	uint64_t floor = floor_of(key);
	bool hard = TAKEN(key) && random_below(2);
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r = sfshm_invalidate(handle, text, len, hard ? SFSHM_HARD : 0);

	if (r == 0) {
		count(TALLY_invalidated);
		if (hard)
			raise_to(&board->highest[key], floor + 1);
	} else if (r != -ENODATA) {
		violation("key %" PRIu32 ": invalidate says: %s", key,
			  sfshm_strerror(r));
	}
}

static void peek(struct sfshm *handle, uint32_t key,
		 struct sfshm_result *result)
{
	uint64_t floor = floor_of(key);
	struct sfshm_policy policy;
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r;

	policy_choose(&policy, &key, 0);
	r = sfshm_peek(handle, text, len, &policy, result);
	if (r != -ENODATA)
		judge_answer(key, r, &policy, result, floor);
}

static void await(struct sfshm *handle, uint32_t key,
		  struct sfshm_result *result)
{
	uint64_t floor = floor_of(key);
	struct sfshm_policy policy;
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r;

	policy_choose(&policy, &key, 0);
	r = sfshm_wait(handle, text, len, &policy, result);
	policy.flags |= SFSHM_FOLLOW;
	judge_answer(key, r, &policy, result, floor);
}

static void get_many(struct sfshm *handle, uint32_t first)
{
	struct sfshm_result results[MANY];
	char texts[MANY][64];
	struct iovec keys[MANY];
	uint64_t floors[MANY];
	int outcomes[MANY];

	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t key = (first + i) % KEYS;

		results[i] = (struct sfshm_result)SFSHM_RESULT_INIT;
		keys[i].iov_base = texts[i];
		keys[i].iov_len = key_text(texts[i], sizeof(texts[i]), key);
		floors[i] = floor_of(key);
	}
	if (sfshm_get_many(handle, keys, MANY, results, outcomes) < 0)
		violation("get_many fails");
	for (uint32_t i = 0; i < MANY; i++) {
		judge_look((first + i) % KEYS, outcomes[i], &results[i],
			   floors[i]);
		sfshm_result_clear(&results[i]);
	}
}

static void walk_keys(struct sfshm *handle)
{
	struct sfshm_walk walk = SFSHM_WALK_INIT;
	uint32_t most = 100 * MOST_SLOTS;
	int r;

	while ((r = sfshm_next_key(handle, "key-", 4, &walk)) == 1 && most--)
		if (walk.key_len < 5 || memcmp(walk.key, "key-", 4) != 0)
			violation("a walk finds a key that was not asked for");
	if (r)
		violation("a walk ends with %d", r);
	count(TALLY_walks);
}

static void all_at_once(struct sfshm *handle)
{
	int r = random_below(2) ? sfshm_invalidate_all(handle, 0) :
				  sfshm_purge(handle);

	if (r < 0)
		violation("a call for all keys says: %s", sfshm_strerror(r));
}

void others_act(struct sfshm *handle, uint32_t key, struct sfshm_result *result)
{
	uint32_t dice = random_below(100);

	if (dice < 30)
		put(handle, key - key % 8 + 4, result);
	else if (dice < 35)
		invalidate_tag(handle);
	else if (dice < 45)
		invalidate(handle, random_below(2) ? key : key - key % 8 + 4);
	else if (dice < 65)
		peek(handle, key, result);
	else if (dice < 85)
		await(handle, key, result);
	else if (dice < 96)
		get_many(handle, key);
	else if (dice < 99)
		walk_keys(handle);
	else if (random_below(4) == 0)
		all_at_once(handle);
}
