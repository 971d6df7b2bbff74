/* SPDX-License-Identifier: MIT */
/* A worker: uses the segment in every way, and looks at all that it gets. */
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sfshm.h>

#include "worker.h"
#include "os/atomics.h"
#include "os/killpoint.h"

struct place *place;
static bool in_order; /* its nested waits */
struct sfshm *handle;
struct sfshm_result result = SFSHM_RESULT_INIT;

/* Some keys are asked for much more often than others. */
static uint32_t key_choose(void)
{
	double u = random_below(1 << 20) / (double)(1 << 20);

	return random_below(4) ? (uint32_t)(u * u * u * u * KEYS) :
				 random_below(KEYS);
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

uint32_t ttl_choose(void)
{
	uint32_t dice = random_below(10);

	return dice < 7 ? SFSHM_FOREVER : dice < 9 ? random_below(200) : 0;
}

static void ask(uint32_t key)
{
	struct sfshm_policy policy;
	uint64_t floor = floor_of(key);
	struct sfshm_flight flight;
	struct led l = { .flight = &flight, .key = key };
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r;

	l.ttl_ms = ttl_choose();
	policy_choose(&policy, &key, l.ttl_ms);
	if (HOT(key))
		policy.flags = SFSHM_REFRESH | SFSHM_TRY;
	r = sfshm_begin(handle, text, len, &policy, &flight, &result);
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
	uint64_t floor = floor_of(key);
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
	struct sfshm_flight flight;
	struct led l = { .flight = &flight, .key = key };
	char text[64];
	size_t len = key_text(text, sizeof(text), key);

	policy.flags = SFSHM_TRY | SFSHM_REFRESH;
	if (LOSABLE(key) || UNCACHED(key) ||
	    sfshm_begin(handle, text, len, &policy, &flight, &result) !=
		    SFSHM_LEADER)
		return;
	lead_nothing(&l);
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
	else if (dice < 690)
		key_read(handle, key, &result);
	else if (dice < 720)
		lock_act(handle, (unsigned int)(place - board->places));
	else if (dice < 760)
		probe();
	else if (dice < 830)
		others_act(handle, key, &result);
	else if (dice < 833)
		lead_for_process(key);
	else if (dice < 838)
		run(key);
	else if (dice < 840)
		leave(key);
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
	tags = &board->tags;
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
