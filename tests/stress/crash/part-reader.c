/* SPDX-License-Identifier: MIT */
/*
 * A reader is stopped at an instruction of its look-up and left there, while
 * other processes insert several times the segment's capacity. Then the reader
 * goes on, and its result must be right.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sfshm/inspect.h>
#include <sfshm/pin.h>

#include "os/atomics.h"
#include "parts.h"
#include "scenario.h"
#include "waits.h"

/* Keys that come and go while the reader stands: ROUNDS for each slot. */
#define ROUNDS 4
#define CHURN (ROUNDS * STAGE_SLOTS)
/*
 * What a stopped reader may cost the others: it is expelled once it has held
 * the epoch up for 2 ms. At most this many calls in all may have had to wait
 * for it.
 */
#define MOST_STALLS 2

/* What the reader tells, in shared memory. */
struct answer {
	int32_t outcome;
	bool whole;
	uint64_t len, generation;
};

struct reading {
	const char *name;
	const char *key;
	size_t len;
	bool present; /* the key is there when the reader begins */
	bool kept;    /* ... and in between it is published, last of all */
	bool pin;
};

static const struct reading readings[] = {
	{ "get: small value, then gone", A_KEY, 40, true, false, false },
	{ "get: small value, published anew", A_KEY, 40, true, true, false },
	{ "get: large value, then gone", A_KEY, 1500, true, false, false },
	{ "get: large value, published anew", A_KEY, 1500, true, true, false },
	{ "get: long key, published anew", A_LONG_KEY, 100, true, true, false },
	{ "get: no such key, then published", A_KEY, 40, false, true, false },
	{ "pin: large value, then gone", A_KEY, 1500, true, false, true },
	{ "pin: large value, published anew", A_KEY, 1500, true, true, true },
};
#define READINGS (sizeof(readings) / sizeof(readings[0]))

struct sums {
	uint64_t instructions, tried, misses, violations, stalls, most;
	uint64_t worst_ns;   /* of one call of the others */
	uint64_t slowest_ns; /* all of them, while one reader stood */
	uint32_t every;
	char why[256];
};

/* All that one reading needs; the reader sees `rd`, `answer` and the stage. */
struct trial {
	const struct reading *rd;
	struct stage *st;
	struct answer *answer;
	struct sums *sums;
	struct sfshm *h;
	struct sfshm_result result;
	uint64_t first, last; /* generations of the key that were published */
	uint64_t spent_ns, stalls; /* while one reader stands */
};

static struct trial trial;

static void wrong(const char *what, uint64_t at)
{
	struct sums *s = trial.sums;

	s->violations++;
	if (!s->why[0])
		snprintf(s->why, sizeof(s->why),
			 "stopped after instruction %" PRIu64 ": %s (%s)", at,
			 what,
			 trial.answer->outcome < 0 ?
				 strerrorname_np(-trial.answer->outcome) :
				 "a value");
}

/* The value of a key has the key's own seed, and its generation's. */
static unsigned int seed_of(const char *key, uint64_t generation)
{
	unsigned int seed = (unsigned int)generation;

	while (*key)
		seed = seed * 31 + (uint8_t)*key++;
	return seed & 0xff;
}

static void note_call(uint64_t from, uint64_t yielded)
{
	uint64_t took = clock_ns() - from;

	trial.spent_ns += took;
	if (trial.sums->worst_ns < took)
		trial.sums->worst_ns = took;
	trial.stalls += waits_yielded() != yielded;
}

/* The harness publishes a key, as anybody would. */
static uint64_t publish(const char *key, size_t len)
{
	static uint8_t data[STAGE_MAX_VALUE];
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_flight flight;
	uint64_t generation, from = clock_ns(), yielded = waits_yielded();
	int r;

	policy.ttl_ms = SFSHM_FOREVER;
	policy.flags = SFSHM_REFRESH;
	r = sfshm_begin(trial.h, key, strlen(key), &policy, &flight,
			&trial.result);
	note_call(from, yielded);
	if (r != SFSHM_LEADER) {
		wrong("begin failed beside it", 0);
		return 0;
	}
	generation = sfshm_flight_generation(&flight);
	pattern_fill(data, len, seed_of(key, generation));
	from = clock_ns();
	yielded = waits_yielded();
	r = sfshm_publish(&flight, data, len);
	note_call(from, yielded);
	if (r) {
		wrong("publish failed beside it", 0);
		sfshm_release(&flight);
	}
	return r ? 0 : generation;
}

/* Publishes CHURN keys; and the reader's key now and then, if it is kept. */
static void go_on(void)
{
	char key[sizeof(A_LONG_KEY) + 16];

	trial.spent_ns = trial.stalls = 0;
	for (int i = 0; i < CHURN; i++) {
		snprintf(key, sizeof(key), i % 3 ? "k%d" : A_LONG_KEY " %d", i);
		publish(key, i % 5 ? 60 : 900);
		if (trial.rd->kept && i % 7 == 0)
			trial.last = publish(trial.rd->key, trial.rd->len);
	}
	if (trial.rd->kept)
		trial.last = publish(trial.rd->key, trial.rd->len);
	if (trial.sums->slowest_ns < trial.spent_ns)
		trial.sums->slowest_ns = trial.spent_ns;
	trial.sums->stalls += trial.stalls;
	if (trial.sums->most < trial.stalls)
		trial.sums->most = trial.stalls;
}

static bool all_of_pin(struct sfshm_pin *pin, uint64_t len, uint8_t *to)
{
	struct iovec piece[8];
	uint64_t got = 0;
	int n;

	while (got < len && (n = sfshm_pin_iov(pin, got, piece, 8)) > 0) {
		for (int i = 0; i < n; i++) {
			memcpy(to + got, piece[i].iov_base, piece[i].iov_len);
			got += piece[i].iov_len;
		}
	}
	return got == len;
}

static void look_up(struct stage *st)
{
	struct answer *a = trial.answer;
	const char *key = trial.rd->key;
	uint8_t *data = my_data;
	struct sfshm_pin pin;
	unsigned int seed;

	store_release(&st->place, INSIDE);
	if (trial.rd->pin)
		a->outcome =
			sfshm_pin(mine, key, strlen(key), &pin, &my_result);
	else
		a->outcome = sfshm_get(mine, key, strlen(key), &my_result);
	store_release(&st->place, AFTER);
	a->len = my_result.value.len;
	a->generation = my_result.generation;
	if (a->outcome != SFSHM_CACHED)
		return;
	if (trial.rd->pin) {
		insist(st, all_of_pin(&pin, a->len, data));
		insist(st, sfshm_unpin(&pin) == 0);
	} else {
		data = my_result.value.data;
	}
	a->whole = pattern_whole(data, a->len, &seed) &&
		   seed == seed_of(key, a->generation);
}

static void look_up_for_ever(struct stage *st)
{
	for (;;) {
		look_up(st);
		raise(SIGSTOP);
	}
}

/* The reader must have found a whole value of the key, old or new; or none. */
static void judge(uint64_t at)
{
	const struct answer *a = trial.answer;

	if (trial.st->wrong[0])
		wrong(trial.st->wrong, at);
	if (a->outcome == -ENODATA)
		trial.sums->misses++;
	else if (a->outcome != SFSHM_CACHED)
		wrong("another answer", at);
	else if (!a->whole)
		wrong("a value that is not whole", at);
	else if (a->len != trial.rd->len)
		wrong("a value of another length", at);
	else if (a->generation < trial.first || a->generation > trial.last)
		wrong("a generation that never was", at);
}

static void set_out(void)
{
	trial.first = trial.last = 0;
	if (trial.rd->present)
		trial.first = trial.last =
			publish(trial.rd->key, trial.rd->len);
	else
		(void)!sfshm_forget(trial.h, trial.rd->key,
				    strlen(trial.rd->key));
	memset(trial.answer, 0, sizeof(*trial.answer));
	store_release(&trial.st->place, BEFORE);
}

/* Stops the reader after `at` instructions. False: its look-up ended before. */
static bool stop_at(struct victim *v, uint64_t at)
{
	enum step s = STEP_DONE;
	bool inside;

	if (!victim_enter(v)) {
		wrong("the reader is gone", at);
		return false;
	}
	for (uint64_t n = 0; n < at && s == STEP_DONE; n++)
		s = victim_step(v);
	inside = s == STEP_DONE;
	if (inside)
		go_on();
	if (s == STEP_GONE || !victim_go_on(v)) {
		wrong("the reader is gone", at);
		return false;
	}
	if (inside)
		judge(at);
	return inside;
}

/* The same; and checks that the others were not held up. */
static bool stop_once(struct victim *v, uint64_t at)
{
	progress("%s: stopped after instruction %" PRIu64, trial.rd->name, at);
	beat();
	set_out();
	trial.sums->tried++;
	if (!stop_at(v, at))
		return false;
	if (trial.stalls > MOST_STALLS)
		wrong("the others were held up", at);
	return true;
}

static void read_one(void *arg)
{
	struct victim v;

	trial = *(struct trial *)arg;
	trial.result = (struct sfshm_result)SFSHM_RESULT_INIT;
	stage_create(trial.st);
	if (!victim_start(&v, trial.st, act_attach, look_up_for_ever)) {
		wrong("the reader did not get ready", 0);
		return;
	}
	trial.h = stage_open(trial.st);
	while (stop_once(&v, trial.sums->instructions) &&
	       !trial.sums->violations)
		trial.sums->instructions += trial.sums->every;
	victim_kill(&v);
	if (sfshm_verify(trial.h, NULL, NULL))
		wrong("verify found something", 0);
	sfshm_close(trial.h);
}

static int print_row(const char *name, const struct sums *s)
{
	progress_end();
	printf("%-40s %7" PRIu64 " %6" PRIu64 " %6" PRIu64 " %7" PRIu64
	       " %7" PRIu64 " %5" PRIu64 " %9.2f %9.2f\n",
	       name, s->instructions, s->tried, s->misses, s->violations,
	       s->stalls, s->most, (double)s->worst_ns / 1e6,
	       (double)s->slowest_ns / 1e6);
	if (s->why[0])
		printf("    %s\n", s->why);
	fflush(stdout);
	return s->violations != 0;
}

static void add(struct sums *all, const struct sums *s)
{
	all->instructions += s->instructions;
	all->tried += s->tried;
	all->misses += s->misses;
	all->violations += s->violations;
	all->stalls += s->stalls;
	if (all->most < s->most)
		all->most = s->most;
	if (all->worst_ns < s->worst_ns)
		all->worst_ns = s->worst_ns;
	if (all->slowest_ns < s->slowest_ns)
		all->slowest_ns = s->slowest_ns;
}

int part_reader(const struct options *opt)
{
	struct sums all = { 0 };
	int bad = 0;

	printf("a reader stopped at every %sinstruction, while others make %d "
	       "keys in %d slots\n",
	       opt->full ? "" : "7th ", CHURN, STAGE_SLOTS);
	printf("%-40s %7s %6s %6s %7s %7s %5s %9s %9s\n", "look-up", "instr",
	       "stops", "misses", "wrong", "stalls", "most", "call ms",
	       "all ms");
	for (size_t i = 0; i < READINGS; i++) {
		struct trial d = {
			.rd = &readings[i],
			.st = stage_make(),
			.answer = shared_memory(sizeof(*d.answer)),
			.sums = shared_memory(sizeof(*d.sums)),
		};

		if (opt->only && !strstr(d.rd->name, opt->only))
			continue;
		d.sums->every = opt->full ? 1 : 7;
		if (!run_apart(read_one, &d)) {
			d.sums->violations++;
			if (!d.sums->why[0])
				strcpy(d.sums->why, "it hung or crashed");
		}
		bad += print_row(d.rd->name, d.sums);
		add(&all, d.sums);
		munmap(d.answer, sizeof(*d.answer));
		munmap(d.sums, sizeof(*d.sums));
		stage_free(d.st);
	}
	print_row("all", &all);
	return bad;
}
