/* SPDX-License-Identifier: MIT */
/* A worker: uses the segment in every way, and looks at all that it gets. */
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sfshm.h>

#include "board.h"
#include "os/atomics.h"
#include "os/killpoint.h"

/* Sizes shift this often, so that the arena has to follow. */
#define SHIFT_MS 3000

/* One flight that this worker leads. */
struct led {
	struct sfshm_flight flight;
	uint32_t key;
	uint32_t ttl_ms;
	uint64_t generation;
	uint64_t number; /* among all leaders */
	bool alone;      /* nobody else led it, or under its claim, meanwhile */
	bool to_itself;  /* marked as uncacheable */
};

static struct place *place;
static bool in_order; /* its nested waits */
static struct sfshm *handle;
static struct sfshm_result result = SFSHM_RESULT_INIT;

/* Some keys are asked for much more often than others. */
static uint32_t key_choose(void)
{
	double u = random_below(1 << 20) / (double)(1 << 20);

	return random_below(4) ? (uint32_t)(u * u * u * u * KEYS) :
				 random_below(KEYS);
}

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

static void release(struct led *l)
{
	int r = sfshm_release(&l->flight);

	if (r)
		judge_refusal(l, r);
	else
		count(TALLY_released);
}

static void fail(struct led *l)
{
	char text[64];
	int r;

	snprintf(text, sizeof(text), "of %" PRIu32 ": generation %" PRIu64,
		 l->key, l->generation);
	r = sfshm_fail(&l->flight, random_below(2) ? -EIO : -ENOENT, text);
	if (r)
		judge_refusal(l, r);
	else
		count(TALLY_failed);
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
	sfshm_flight_uncacheable(&l->flight, random_below(20));
	l->to_itself = true;
	count(TALLY_private);
}

static void publish(struct led *l)
{
	uint32_t len = len_choose(l->key);
	uint8_t data[MAX_VALUE];
	uint64_t floor, sum;
	int r;

	sum = value_make(data, len, l->key, l->generation, l->ttl_ms);
	report(EVENT_PUBLISHING, l->key, l->generation, sum);
	if (UNCACHED(l->key) && random_below(4) == 0) {
		keep_to_itself(l);
		report(EVENT_REFUSED, l->key, l->generation, sum);
	}
	floor = load_acquire(&board->highest[l->key]);
	r = sfshm_publish(&l->flight, data, len);
	if (r >= 0) {
		judge_success(l, floor);
		return;
	}
	judge_refusal(l, r);
	report(EVENT_REFUSED, l->key, l->generation, sum);
	if (r == -ENOSPC)
		release(l);
}

/* The old value is still right, the leader finds; or there is none. */
static void renew(struct led *l)
{
	uint64_t floor = load_acquire(&board->highest[l->key]);
	struct stamp stamp;
	int r = sfshm_flight_value(&l->flight, &result);

	if (r == 0) {
		judge_value(l->key, &result, result.value.data, floor);
		value_look(result.value.data, result.value.len, l->key, &stamp);
		sfshm_flight_ttl(&l->flight, stamp.ttl_ms, 0);
		store_release(&board->renewed[l->key], 1);
		r = sfshm_touch(&l->flight);
	}
	if (r >= 0)
		count(TALLY_renewed);
	else if (r != -ENODATA)
		judge_refusal(l, r);
	if (r == -ENODATA || r == -ENOSPC)
		release(l);
}

/* Beside others, for a key that is marked as uncacheable. */
static void lead_alone(struct led *l)
{
	uint8_t data[VALUE_MIN];
	int r;

	l->generation = sfshm_flight_generation(&l->flight);
	value_make(data, sizeof(data), l->key, l->generation, 0);
	work(l->key);
	r = random_below(4) ? sfshm_publish(&l->flight, data, sizeof(data)) :
			      sfshm_release(&l->flight);
	if (r < 0)
		violation("key %" PRIu32 ": a flight beside others ends with: "
			  "%s",
			  l->key, sfshm_strerror(r));
	count(TALLY_private);
}

/* How long it may take, and whether anybody still wants it. */
static void look_around(struct led *l)
{
	int r = sfshm_extend(&l->flight, LEASED(l->key) ? LEASE_MS : 0);

	if (!r)
		r = sfshm_abandoned(&l->flight);
	if (r < 0 && !(r == -ESTALE && LOSABLE(l->key)))
		violation("key %" PRIu32 ": its leader is told: %s", l->key,
			  sfshm_strerror(r));
}

/* Who leads a key and asks for it again is told so. */
static void ask_again(const struct led *l)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result ignored = SFSHM_RESULT_INIT;
	struct sfshm_flight none;
	char text[64];
	size_t len = key_text(text, sizeof(text), l->key);
	int r;

	policy.flags = SFSHM_TRY | SFSHM_FOLLOW | SFSHM_REFRESH;
	r = sfshm_begin(handle, text, len, &policy, &none, &ignored);
	sfshm_result_clear(&ignored);
	if (r != -EDEADLK)
		violation("key %" PRIu32 ": its own leader asks, and is told: "
			  "%s",
			  l->key, sfshm_strerror(r));
}

static void lead(struct led *l)
{
	uint64_t *claimant =
		CLAIMED(l->key) ? &board->claimant[CLAIM_OF(l->key)] : NULL;
	uint32_t dice = random_below(100);

	l->generation = sfshm_flight_generation(&l->flight);
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
		fail(l);
	else if (dice < 10)
		release(l);
	else if (dice < 20)
		renew(l);
	else
		publish(l);
}

/*
 * A flight under way is there for everybody to find. Somebody did not find
 * one: if its leader lived to end it later, that was wrong.
 */
static struct {
	struct place *place;
	uint64_t number;
	uint32_t key;
} missed;

static void judge_missed(void)
{
	if (load_acquire(&board->ended[missed.number % ENDED]) ==
	    missed.number) {
		violation("key %" PRIu32 ": its flight was not found",
			  missed.key);
		missed.place = NULL;
	} else if (load_acquire(&missed.place->led) != missed.number) {
		missed.place = NULL;
	}
}

static void probe(void)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct place *p = &board->places[random_below(WORKERS)];
	uint64_t number = load_acquire(&p->led);
	uint32_t key = load_acquire(&p->led_key);
	struct sfshm_flight none;
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r;

	if (missed.place)
		judge_missed();
	if (!number || LOSABLE(key) || load_acquire(&p->led) != number)
		return;
	policy.flags = SFSHM_TRY | SFSHM_FOLLOW | SFSHM_REFRESH;
	r = sfshm_begin(handle, text, len, &policy, &none, &result);
	if (is_nothing(r) && load_acquire(&p->led) == number) {
		missed.place = p;
		missed.number = number;
		missed.key = key;
	}
}

static void ask(uint32_t key)
{
	struct sfshm_policy policy;
	uint64_t floor = load_acquire(&board->highest[key]);
	uint32_t dice = random_below(10);
	struct led l = { .key = key };
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r;

	l.ttl_ms = dice < 7 ? SFSHM_FOREVER : dice < 9 ? random_below(200) : 0;
	policy_choose(&policy, &key, l.ttl_ms);
	if (HOT(key))
		policy.flags = SFSHM_REFRESH | SFSHM_TRY;
	r = sfshm_begin(handle, text, len, &policy, &l.flight, &result);
	if (r != SFSHM_LEADER)
		judge_answer(key, r, &policy, &result, floor);
	else if (result.coordinated)
		lead(&l);
	else
		lead_alone(&l);
}

/* What was read before is not to come back. */
static void forget(uint32_t key)
{
	uint64_t floor = load_acquire(&board->highest[key]);
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r = sfshm_forget(handle, text, len);

	if (r == 0) {
		count(TALLY_forgotten);
		raise_to(&board->highest[key], floor + 1);
	} else if (r != -ENODATA && r != -EBUSY) {
		violation("key %" PRIu32 ": forget says: %s", key,
			  sfshm_strerror(r));
	}
}

static void open_segment(void)
{
	int r = sfshm_open(&handle, board->segment, NULL);

	if (!r)
		return;
	violation("a worker cannot open the segment: %s", sfshm_strerror(r));
	_exit(6);
}

static void close_segment(void)
{
	int r;

	grips_drop(0);
	r = sfshm_close(handle);
	if (r)
		violation("close says: %s", sfshm_strerror(r));
}

static void reopen(void)
{
	close_segment();
	open_segment();
}

/*
 * Key after key is led and left: the way through the chains, and little else,
 * so that a pause is likely to be in the middle of it.
 */
static void walk(void)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	uint32_t key = random_below(KEYS);
	struct led l = { .key = key };
	char text[64];
	size_t len = key_text(text, sizeof(text), key);

	policy.flags = SFSHM_TRY | SFSHM_REFRESH;
	if (LOSABLE(key) || UNCACHED(key) ||
	    sfshm_begin(handle, text, len, &policy, &l.flight, &result) !=
		    SFSHM_LEADER)
		return;
	ask_again(&l);
	release(&l);
}

/* How often what is done, of 1000. */
static void act(bool walks)
{
	uint32_t dice = random_below(1000), key = key_choose();

	if (walks && dice < 900)
		walk();
	else if (dice < 120)
		key_read(handle, random_below(3), &result);
	else if (dice < 150)
		ask(random_below(3));
	else if (dice < 500)
		ask(key);
	else if (dice < 720)
		key_read(handle, key, &result);
	else if (dice < 760)
		probe();
	else if (dice < 840)
		others_act(handle, key, &result);
	else if (dice < 850)
		nest(handle, in_order);
	else if (dice < 900)
		grips_take(handle, key);
	else if (dice < 960)
		grips_look();
	else if (dice < 980)
		grips_drop(random_below(4));
	else if (dice < 999)
		forget(key);
	else if (random_below(4) == 0)
		reopen();
}

/* Some die, or stop, where it hurts most. */
static void arm(void)
{
	uint32_t point = 1 + random_below(KILL_POINTS - 1);
	uint32_t dice = random_below(6);

	if (dice < 2)
		killpoint_arm((enum kill_point)point,
			      1 + (int)random_below(300),
			      dice ? SIGSTOP : SIGKILL);
}

int worker_main(unsigned int number, uint64_t seed)
{
	bool walks = number % 4 == 1;

	place = &board->places[number];
	in_order = number % 4 < 2;
	random_seed(seed);
	arm();
	if (number % 2)
		pause_often(walks);
	open_segment();
	while (!load_acquire(&board->stop)) {
		act(walks);
		count(TALLY_calls);
		store_release(&place->calls, load_relaxed(&place->calls) + 1);
	}
	close_segment();
	report_flush();
	return 0;
}
