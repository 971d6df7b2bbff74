/* SPDX-License-Identifier: MIT */
/* A leader's work, what it looks at meanwhile, and the end of its flight. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include <sfshm.h>
#include <sfshm/put.h>

#include "os/atomics.h"
#include "worker.h"

/* Sizes shift this often, so that the arena has to follow. */
#define SHIFT_MS 3000

static uint32_t len_choose(uint32_t key)
{
	uint64_t shift = now_ms() / SHIFT_MS % 3;
	uint32_t dice = random_below(100), most = 200;

	if (HOT(key))
		return MAX_VALUE - random_below(MAX_VALUE / 4);
	if (shift == 1 || (shift == 2 && dice < 5))
		most = MAX_VALUE - VALUE_MIN;
	else if (shift == 2 && dice < 20)
		most = 2048;
	return (uint32_t)VALUE_MIN + random_below(most + 1);
}

/*
 * The work: mostly none, sometimes long enough for a crowd to gather, or for
 * the flight to be taken away.
 */
static void work(uint32_t key)
{
	uint32_t dice = random_below(100);

	if (LEASED(key) && dice < 3)
		usleep((LEASE_MS + random_below(LEASE_MS)) * 1000);
	else if (dice < 10)
		usleep(random_below(4000));
	else if (dice < 30)
		sched_yield();
}

/* What an end of a flight answered, if it was not 0. */
static void judge_refusal(const struct led *l, int r)
{
	if (r == -ESTALE && LOSABLE(l->key))
		count(TALLY_fenced);
	else if (r == -ENOSPC)
		count(TALLY_no_room);
	else
		violation("key %" PRIu32 ": the end of generation %" PRIu64
			  " is refused: %s",
			  l->key, l->generation, sfshm_strerror(r));
}

static int release(struct led *l)
{
	int r = sfshm_release(l->flight);

	if (r)
		judge_refusal(l, r);
	else
		count(TALLY_released);
	return r ? r : -ECANCELED;
}

static int fail(struct led *l)
{
	char text[64];
	int r;

	snprintf(text, sizeof(text), "of %" PRIu32 ": generation %" PRIu64,
		 l->key, l->generation);
	r = sfshm_fail(l->flight, random_below(2) ? -EIO : -ENOENT, text);
	if (r)
		judge_refusal(l, r);
	else
		count(TALLY_failed);
	return r ? r : -EREMOTEIO;
}

/* Published: then nobody has met a later one, and nobody led beside. */
static void judge_success(const struct led *l, uint64_t floor)
{
	count(TALLY_published);
	if (l->generation < floor)
		violation("key %" PRIu32 ": generation %" PRIu64
			  " was published after %" PRIu64 " had been read",
			  l->key, l->generation, floor);
	if (!l->alone)
		violation("key %" PRIu32 ": somebody led beside generation "
			  "%" PRIu64,
			  l->key, l->generation);
	if (!l->to_itself)
		raise_to(&board->highest[l->key], l->generation);
}

/* From now on nobody else may see what the flight publishes. */
static void keep_to_itself(struct led *l)
{
	sfshm_flight_uncacheable(l->flight, random_below(20));
	l->to_itself = true;
	count(TALLY_private);
}

static int publish(struct led *l)
{
	uint32_t len = len_choose(l->key);
	uint8_t data[MAX_VALUE];
	struct stamp s = {
		.key = l->key,
		.generation = l->generation,
		.ttl_ms = l->ttl_ms,
		.begun = l->begun,
		.tags = tags_choose(),
	};
	uint64_t floor, sum = value_make_tagged(data, len, &s);
	int r = tags_to_flight(l->flight, (uint32_t)s.tags);

	if (r)
		violation("a tag cannot be named: %s", sfshm_strerror(r));
	report(EVENT_PUBLISHING, l->key, l->generation, sum);
	if (UNCACHED(l->key) && random_below(4) == 0) {
		keep_to_itself(l);
		report(EVENT_REFUSED, l->key, l->generation, sum);
	}
	floor = floor_of(l->key);
	r = sfshm_publish(l->flight, data, len);
	if (r == 0 && !l->to_itself && tags_outdate(&s, 0))
		violation("key %" PRIu32 ": its leader is not told that a tag "
			  "was invalidated",
			  l->key);
	if (r >= 0) {
		judge_success(l, floor);
		return r;
	}
	judge_refusal(l, r);
	report(EVENT_REFUSED, l->key, l->generation, sum);
	return r == -ENOSPC ? release(l) : r;
}

/* The old value is still right, the leader finds; or there is none. */
static int renew(struct led *l)
{
	uint64_t floor = floor_of(l->key);
	struct stamp stamp;
	int r = sfshm_flight_value(l->flight, &result);

	if (r == 0) {
		judge_value(l->key, &result, result.value.data, floor);
		value_look(result.value.data, result.value.len, l->key, &stamp);
		sfshm_flight_ttl(l->flight, stamp.ttl_ms, 0);
		raise_to(&board->renewed[l->key], tags_clock());
		r = sfshm_touch(l->flight);
	}
	if (r >= 0)
		count(TALLY_renewed);
	else if (r != -ENODATA)
		judge_refusal(l, r);
	return r == -ENODATA || r == -ENOSPC ? release(l) : r;
}

/* Beside others, for a key that is marked as uncacheable. */
int lead_alone(struct led *l)
{
	bool releases = random_below(4) == 0;
	uint8_t data[VALUE_MIN];
	int r;

	l->generation = sfshm_flight_generation(l->flight);
	value_make(data, sizeof(data), l->key, l->generation, 0);
	work(l->key);
	r = releases ? sfshm_release(l->flight) :
		       sfshm_publish(l->flight, data, sizeof(data));
	if (r < 0)
		violation("key %" PRIu32 ": a flight beside others ends with: "
			  "%s",
			  l->key, sfshm_strerror(r));
	count(TALLY_private);
	return releases ? -ECANCELED : r;
}

/* Extends the lease, and asks whether anybody still wants the result. */
static void look_around(struct led *l)
{
	int r = sfshm_extend(l->flight, LEASED(l->key) ? LEASE_MS : 0);

	if (!r)
		r = sfshm_abandoned(l->flight);
	if (r < 0 && !(r == -ESTALE && LOSABLE(l->key)))
		violation("key %" PRIu32 ": its leader is told: %s", l->key,
			  sfshm_strerror(r));
}

/*
 * Who leads a key and asks for it again is told so, except that a flight of the
 * process may be ended by another thread.
 */
static void ask_again(const struct led *l)
{
	bool waits = l->of_process && !l->task;
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result ignored = SFSHM_RESULT_INIT;
	struct sfshm_flight none;
	char text[64];
	size_t len = key_text(text, sizeof(text), l->key);
	int r;

	policy.flags = SFSHM_TRY | SFSHM_FOLLOW | SFSHM_REFRESH;
	policy.task = l->task;
	r = sfshm_begin(handle, text, len, &policy, &none, &ignored);
	sfshm_result_clear(&ignored);
	if (r != (waits ? -EBUSY : -EDEADLK))
		violation("key %" PRIu32 ": its own leader asks, and is told: "
			  "%s",
			  l->key, sfshm_strerror(r));
}

void lead_nothing(struct led *l)
{
	ask_again(l);
	release(l);
}

int lead(struct led *l)
{
	uint64_t *claimant =
		CLAIMED(l->key) ? &board->claimant[CLAIM_OF(l->key)] : NULL;
	uint32_t dice = random_below(100);

	l->generation = sfshm_flight_generation(l->flight);
	l->begun = tags_clock();
	l->number = fetch_add_relaxed(&board->leaders, 1) + 1;
	if (result.owner_died)
		count(TALLY_inherited);
	raise_to(&board->leading[l->key], l->generation);
	if (claimant)
		store_release(claimant, l->number);
	store_release(&place->led_key, l->key);
	store_release(&place->led, l->number);
	if (!LOSABLE(l->key) && random_below(2))
		ask_again(l);
	work(l->key);
	if (random_below(4) == 0)
		look_around(l);
	store_release(&place->led, 0);
	store_release(&board->ended[l->number % ENDED], l->number);
	l->alone = load_acquire(&board->leading[l->key]) == l->generation &&
		   (!claimant || load_acquire(claimant) == l->number);
	if (dice < 5)
		return fail(l);
	if (dice < 10)
		return release(l);
	return dice < 20 ? renew(l) : publish(l);
}
