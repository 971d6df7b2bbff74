/* SPDX-License-Identifier: MIT */
#include "recover.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sfshm/inspect.h>
#include <sfshm/resize.h>

#include "waits.h"

/* What takes longer than this never ends, ms. */
#define STUCK_MS 60000

/* More keys than slots, and how often each is asked for: a key that comes back
   is on probation no longer, and takes the slot of an old one. */
#define FILL (STAGE_SLOTS * 3 / 2)
#define ROUNDS 5
#define FILL_PREFIX "fill-"

struct survivor {
	const struct trial *t;
	struct verdict *v;
	struct sfshm *h;
	struct sfshm_flight flight;
	struct sfshm_result result;
};

static void say(struct verdict *v, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct verdict *v, const char *format, ...)
{
	va_list args;

	if (v->why[0])
		return;
	va_start(args, format);
	vsnprintf(v->why, sizeof(v->why), format, args);
	va_end(args);
}

static void stuck(struct survivor *s, const char *what, int r)
{
	s->v->stuck = true;
	say(s->v, "%s: %s", what, r < 0 ? strerrorname_np(-r) : "wrong");
}

static int ask(struct survivor *s, const char *key, uint32_t flags)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.flags = flags;
	policy.ttl_ms = SFSHM_FOREVER;
	policy.deadline_ns = sfshm_deadline_ms(STUCK_MS);
	return sfshm_begin(s->h, key, strlen(key), &policy, &s->flight,
			   &s->result);
}

static void generations(const struct stage *st, const char *key, uint64_t *led,
			uint64_t *published)
{
	*led = *published = 0;
	for (uint32_t i = 0; i < st->keys; i++) {
		if (strcmp(st->key[i].key, key) != 0)
			continue;
		*led = st->key[i].led;
		*published = st->key[i].published;
	}
}

/* Checks that a value is whole; or publishes one, if the survivor leads. */
static void settle_key(struct survivor *s, const char *key, int r)
{
	const struct sfshm_result *res = &s->result;
	uint64_t led, published;
	unsigned int seed;

	generations(s->t->st, key, &led, &published);
	if (r == SFSHM_LEADER) {
		if (res->generation <= led)
			stuck(s, "the generation did not grow", 0);
		r = sfshm_publish(&s->flight, "x", 1);
		if (r)
			stuck(s, "publish", r);
	} else if (r == SFSHM_CACHED || r == SFSHM_AWAITED) {
		if (res->generation < published)
			stuck(s, "the value's generation went back", 0);
		if (!pattern_whole(res->value.data, res->value.len, &seed))
			stuck(s, "a torn value", 0);
	} else if (r == -EREMOTEIO) {
		if (strcmp(res->message, "some words") != 0)
			stuck(s, "another error's message", 0);
	} else {
		stuck(s, "begin", r);
	}
}

static void finish_more(struct survivor *s)
{
	const char *wrong = NULL;

	if (s->t->finish)
		wrong = s->t->finish(s->t->st, s->h);
	if (wrong)
		stuck(s, wrong, 0);
	s->t->st->finished++;
}

/*
 * The survivor must see at its first look what the dead have left: no sleep of
 * the survivor may last its whole slice.
 */
static void finish_key(struct survivor *s)
{
	uint64_t from = clock_ns(), rechecked;
	int r;

	waits_count();
	rechecked = waits_rechecked();
	finish_more(s);
	r = ask(s, s->t->key, s->t->may_be_busy ? SFSHM_TRY : 0);
	if (r != -EBUSY || !s->t->may_be_busy)
		settle_key(s, s->t->key, r);
	s->v->ns = clock_ns() - from;
	if (waits_rechecked() != rechecked)
		stuck(s, "finished only after a re-check", 0);
}

static void tell_finding(const char *finding, void *arg)
{
	struct survivor *s = arg;

	say(s->v, "verify: %s", finding);
}

static void verify(struct survivor *s)
{
	int r = sfshm_verify(s->h, tell_finding, s);

	if (r > 0)
		s->v->leaked = true;
	if (r < 0)
		stuck(s, "verify", r);
}

/* Every key that ever was comes back with a higher generation. */
static void lead_all_again(struct survivor *s)
{
	struct stage *st = s->t->st;

	for (uint32_t i = 0; i < st->keys; i++) {
		const char *key = st->key[i].key;
		int r = ask(s, key, SFSHM_REFRESH);

		if (r != SFSHM_LEADER) {
			stuck(s, key, r);
			continue;
		}
		if (s->result.generation <= st->key[i].led)
			stuck(s, "a key's generation did not grow", 0);
		r = sfshm_release(&s->flight);
		if (r)
			stuck(s, "release", r);
	}
}

static void leaked(struct survivor *s, const char *what)
{
	s->v->leaked = true;
	say(s->v, "%s", what);
}

/* Drives everything out: each slot and each granule must be usable again. */
static void fill(struct survivor *s)
{
	char key[32];
	int r = sfshm_purge(s->h);

	if (r < 0)
		stuck(s, "purge", r);
	for (int i = 0; i < FILL * ROUNDS; i++) {
		snprintf(key, sizeof(key), FILL_PREFIX "%d", i % FILL);
		r = ask(s, key, 0);
		if (r == SFSHM_LEADER)
			r = sfshm_publish(&s->flight, "x", 1);
		if (r < 0) {
			s->v->leaked = true;
			say(s->v, "no room for key %d: %s", i,
			    strerrorname_np(-r));
			return;
		}
	}
}

static void census(struct survivor *s, const struct image *im)
{
	const char *wrong = image_census(im, getpid(), FILL_PREFIX);

	if (wrong)
		leaked(s, wrong);
}

void recover(const struct trial *t, struct verdict *v)
{
	struct survivor s = {
		.t = t,
		.v = v,
		.result = SFSHM_RESULT_INIT,
	};
	int r = 0;

	t->st->finished = 0;
	if (!t->attach_first)
		t->kill_victim(t);
	r = sfshm_open(&s.h, t->path, NULL);
	if (r) {
		stuck(&s, "open", r);
		if (t->attach_first)
			t->kill_victim(t);
		return;
	}
	if (t->attach_first) {
		(void)!sfshm_get(s.h, "nothing", 7, &s.result);
		t->kill_victim(t);
	}
	finish_key(&s);
	verify(&s);
	t->kill_others(t);
	if (t->may_be_busy) {
		finish_more(&s);
		settle_key(&s, t->key, ask(&s, t->key, 0));
	}
	verify(&s);
	lead_all_again(&s);
	fill(&s);
	census(&s, t->image);
	sfshm_result_clear(&s.result);
	sfshm_close(s.h);
}

/* Every value is there still, and whole. */
static void find_all_values(struct survivor *s)
{
	const struct stage *st = s->t->st;

	for (uint32_t i = 0; i < st->keys; i++) {
		const char *key = st->key[i].key;
		int r = ask(s, key, SFSHM_FOLLOW);

		if (!st->key[i].published)
			continue;
		if (r == SFSHM_CACHED)
			settle_key(s, key, r);
		else
			stuck(s, "a value is lost", r);
	}
}

/* What was interrupted can be finished, and be done again. */
static void resize_again(struct survivor *s)
{
	struct sfshm_options o = { .size = sizeof(o), .slots = STAGE_SLOTS };
	const char *path = s->t->path;
	char left[160];
	int r = sfshm_resize(path, NULL, sfshm_deadline_ms(STUCK_MS), NULL,
			     NULL);

	if (!r)
		r = sfshm_resize(path, &o, sfshm_deadline_ms(STUCK_MS), NULL,
				 NULL);
	if (r)
		stuck(s, "resize", r);
	snprintf(left, sizeof(left), "%s~", path);
	if (!access(left, F_OK))
		leaked(s, "the old segment is left");
	snprintf(left, sizeof(left), "%s~new", path);
	if (!access(left, F_OK))
		leaked(s, "a passing name is left");
}

void recover_whole(const struct trial *t, struct verdict *v)
{
	struct survivor s = {
		.t = t,
		.v = v,
		.result = SFSHM_RESULT_INIT,
	};
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE,
		.slots = STAGE_SLOTS,
		.participants = STAGE_PARTICIPANTS,
		.bytes = STAGE_BYTES,
		.max_value = STAGE_MAX_VALUE,
	};
	struct image im;
	int r;

	t->kill_victim(t);
	r = sfshm_open(&s.h, t->path, &o);
	if (r) {
		stuck(&s, "open", r);
		return;
	}
	find_all_values(&s);
	finish_key(&s);
	verify(&s);
	resize_again(&s);
	find_all_values(&s);
	verify(&s);
	lead_all_again(&s);
	fill(&s);
	if (image_open(&im, t->path))
		census(&s, &im);
	image_close(&im);
	sfshm_result_clear(&s.result);
	sfshm_close(s.h);
}
