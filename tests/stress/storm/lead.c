/* SPDX-License-Identifier: MIT */
/* A leader's work, and the end of its flight. */
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <sfshm/put.h>

#include "os/atomics.h"

static void work(uint32_t key)
{
	bool late = key_has_age(key) && random_below(8) == 0;

	if (random_below(3) == 0)
		usleep(late ? STORM_LOCK_AGE_MS * 2000 : random_below(500));
}

static int release(struct sfshm_flight *f)
{
	int r = sfshm_release(f);

	one_more(r ? &own->fenced : &own->released);
	return r ? r : -ECANCELED;
}

static int publish(uint32_t key, struct sfshm_flight *f, uint64_t begun)
{
	uint32_t most = random_below(4) ? 100 : STORM_MAX_VALUE - 100;
	uint32_t len = (uint32_t)VALUE_MIN + random_below(most);
	struct stamp s = {
		.key = key,
		.generation = sfshm_flight_generation(f),
		.begun = begun,
		.tags = tags_choose(),
	};
	uint64_t id = value_make_tagged(data, len, &s);
	int r;

	if (tags_to_flight(f, (uint32_t)s.tags))
		tell(TOLD_WRONG, key, WRONG_TAG, s.generation, s.tags, 0);
	tell(TOLD_WILL, key, 0, s.generation, id, 0);
	tags_before_call();
	r = sfshm_publish(f, data, len);
	if (r == 0 && tags_outdate(&s, 0))
		tell(TOLD_WRONG, key, WRONG_TAG, s.generation, s.tags, 0);
	if (r >= 0)
		one_more(&own->published);
	if (r == -ESTALE)
		one_more(&own->fenced);
	tell(TOLD_DID, key, r < 0 ? r : 0, s.generation, id, 0);
	return r == -ENOSPC ? release(f) : r;
}

static int fail(uint32_t key, struct sfshm_flight *f)
{
	char words[64];
	int r;

	snprintf(words, sizeof(words), "no luck with key %u", key);
	r = sfshm_fail(f, -5, words);
	one_more(r ? &own->fenced : &own->failed);
	return r ? r : -EREMOTEIO;
}

/* The old value is still right; or there is none, or no room for two. */
static int renew(uint32_t key, struct sfshm_flight *f)
{
	uint64_t gen = sfshm_flight_generation(f);
	int r = sfshm_flight_value(f, &result), end = -ENODATA;
	uint64_t at = tags_clock();

	if (r == 0) {
		see(key, result.value.data, result.value.len, SFSHM_CACHED, 0);
		raise_to(&storm->renewed[key], at);
		end = sfshm_touch(f);
	}
	if (end == -ESTALE)
		one_more(&own->fenced);
	if (end < 0)
		return end == -ESTALE ? end : release(f);
	one_more(&own->published);
	one_more(&own->renewed);
	tell(TOLD_DID, key, 0, gen, 0, 0);
	return end;
}

int lead(uint32_t key, struct sfshm_flight *f)
{
	uint64_t begun = tags_clock();

	one_more(&own->led);
	tell(TOLD_LED, key, 0, sfshm_flight_generation(f), 0, 0);
	work(key);
	switch (random_below(10)) {
	case 0: return fail(key, f);
	case 1: return release(f);
	case 2: return renew(key, f);
	default: return publish(key, f, begun);
	}
}
