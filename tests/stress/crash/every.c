/* SPDX-License-Identifier: MIT */
#include "every.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/atomics.h"
#include "parts.h"

/* A process that hangs for this long hangs for ever, ms. */
#define STUCK_MS 60000
#define TO_THE_END UINT64_MAX

/* Counts what went wrong, and notes in words what went wrong first. */
static void count(struct tally *t, const struct scenario *sc,
		  const struct verdict *v, uint64_t at, const char *how)
{
	t->stuck += v->stuck;
	t->leaked += v->leaked;
	if (t->worst_ns < v->ns)
		t->worst_ns = v->ns;
	if ((v->stuck || v->leaked) && !t->why[0])
		snprintf(t->why, sizeof(t->why),
			 "%s, dead after instruction %llu (%s): %s", sc->name,
			 (unsigned long long)at, how, v->why);
}

static void broken(struct tally *t, const struct scenario *sc,
		   const struct show *sh, const char *what)
{
	t->broken++;
	if (!t->why[0])
		snprintf(t->why, sizeof(t->why), "%s: %s %s", sc->name, what,
			 sh->st->wrong);
}

/* Marks as dead the participants whose deaths the stage has noted. */
static void let_die(struct stage *st)
{
	struct image im;

	if (!image_open(&im, st->path))
		return;
	for (uint32_t i = 0; i < image_participants(&im); i++)
		if (st->dies[i])
			store_release(image_word(&im, i), st->dies[i]);
	image_close(&im);
}

/* Starts helpers and victim, on the segment that is there, or on a new one. */
static bool show_begin(struct show *sh, const struct scenario *sc,
		       struct tally *t)
{
	bool made = access(sh->st->path, F_OK) == 0;

	if (!made && !(sc->flags & NO_SEGMENT))
		stage_create(sh->st);
	if (sc->flags & COMES_LATER)
		let_die(sh->st);
	if (sc->before)
		sc->before(sh);
	if (!victim_start(&sh->victim, sh->st, sc->prepare, sc->operate)) {
		broken(t, sc, sh, "the victim did not get ready");
		return false;
	}
	if (made && !(sc->flags & COMES_LATER))
		let_die(sh->st);
	if (sc->between)
		sc->between(sh);
	if (sh->st->wrong[0] || !victim_enter(&sh->victim)) {
		broken(t, sc, sh, "the victim did not begin");
		return false;
	}
	return true;
}

static void show_end(struct show *sh)
{
	victim_kill(&sh->victim);
	for (int i = 0; i < STAGE_HELPERS; i++)
		helper_kill(&sh->helper[i]);
	stage_free(sh->st);
}

/* One step; wakes the victim if it sleeps. */
static enum step step(struct show *sh, const struct scenario *sc, bool *woken)
{
	enum step s = victim_step(&sh->victim);

	while (s == STEP_ASLEEP) {
		if (sc->asleep && !*woken)
			sc->asleep(sh);
		*woken = true;
		s = victim_step(&sh->victim);
	}
	return s;
}

static void mark_victim(const struct trial *t)
{
	image_mark_victim(t->image, t->victim, t->st->path);
}

static void mark_others(const struct trial *t)
{
	image_mark_others(t->image, getpid());
}

/* Lets the victim die at this state, in a copy of the segment. */
static void try_copy(struct show *sh, const struct scenario *sc,
		     const struct image *im, bool attach_first, uint64_t at,
		     struct tally *t)
{
	struct verdict v = { 0 };
	struct image copy;
	char path[128];
	struct trial trial = {
		.st = sh->st,
		.path = path,
		.key = sc->key,
		.finish = sc->finish,
		.attach_first = attach_first,
		.may_be_busy = sc->flags & MAY_BE_BUSY,
		.kill_victim = mark_victim,
		.kill_others = mark_others,
		.victim = &sh->victim,
		.image = &copy,
	};

	beat();
	stage_path(path, sizeof(path));
	if (!image_copy(im, path, &copy)) {
		broken(t, sc, sh, "no copy can be made");
		return;
	}
	recover(&trial, &v);
	image_close(&copy);
	unlink(path);
	t->trials++;
	count(t, sc, &v, at, attach_first ? "copy, there" : "copy, coming");
}

/* What is done at each state that differs from the last. */
typedef void (*state_fn)(struct show *sh, const struct scenario *sc,
			 const struct image *im, uint64_t at, void *arg);

static void note_place(struct tally *t, uint64_t at)
{
	if (t->places < MOST_PLACES)
		t->place[t->places++] = at;
}

static void walk_along(struct show *sh, const struct scenario *sc,
		       struct tally *t, state_fn at_state, void *arg)
{
	bool woken = false;
	enum step s = STEP_DONE;
	struct image im;
	uint64_t n;

	if (!image_open(&im, sh->st->path)) {
		broken(t, sc, sh, "the segment cannot be seen");
		return;
	}
	for (n = 0; s == STEP_DONE; n++) {
		if (image_changed(&im, &sh->victim)) {
			t->states++;
			note_place(t, n);
			at_state(sh, sc, &im, n, arg);
		}
		s = step(sh, sc, &woken);
		if (n % 256)
			continue;
		beat();
		progress("%s: instruction %llu", sc->name,
			 (unsigned long long)n);
	}
	t->instructions += n;
	if (s == STEP_GONE && !(sc->flags & LETS_GO))
		broken(t, sc, sh, "the victim is gone:");
	image_close(&im);
}

/* Steps through the whole operation, once. */
static void walk(struct stage *st, const struct scenario *sc, struct tally *t,
		 state_fn at_state, void *arg)
{
	struct show sh = { .st = st, .scenario = sc };

	if (show_begin(&sh, sc, t))
		walk_along(&sh, sc, t, at_state, arg);
	show_end(&sh);
}

struct single {
	const struct effort *e;
	struct tally *t;
	uint64_t states;
};

static void try_single(struct show *sh, const struct scenario *sc,
		       const struct image *im, uint64_t at, void *arg)
{
	struct single *s = arg;
	uint64_t n = s->states++;

	if (n % s->e->copies_every)
		return;
	if (s->e->both || n & 1)
		try_copy(sh, sc, im, true, at, s->t);
	if (s->e->both || !(n & 1))
		try_copy(sh, sc, im, false, at, s->t);
}

static void kill_victim(const struct trial *t)
{
	struct show *sh = t->arg;

	if (sh->scenario->flags & DIES_ALONE) {
		victim_end_thread(&sh->victim);
	} else if (sh->scenario->dies) {
		sh->scenario->dies(sh);
		victim_go_on(&sh->victim);
	} else {
		victim_kill(&sh->victim);
	}
}

static void kill_rest(const struct trial *t)
{
	struct show *sh = t->arg;

	victim_kill(&sh->victim);
	for (int i = 0; i < STAGE_HELPERS; i++)
		helper_kill(&sh->helper[i]);
}

/*
 * The helper that waits beside the victim must get on, although neither the
 * leader nor the victim has woken it. It does not look again by itself.
 */
static void await_beside(struct show *sh, struct verdict *v)
{
	uint64_t from = clock_ns();

	if (!sh->beside)
		return;
	victim_kill(&sh->victim);
	if (!helper_answered(&sh->helper[1], STUCK_MS)) {
		v->stuck = true;
		snprintf(v->why, sizeof(v->why),
			 "who waits beside it is stuck");
	}
	v->beside_ns = clock_ns() - from;
}

static void look_on(struct show *sh, const struct scenario *sc,
		    bool attach_first, struct verdict *v)
{
	struct image im;
	struct trial trial = {
		.st = sh->st,
		.path = sh->st->path,
		.key = sc->key,
		.finish = sc->finish,
		.attach_first = attach_first,
		.may_be_busy = sc->flags & MAY_BE_BUSY,
		.kill_victim = kill_victim,
		.kill_others = kill_rest,
		.victim = &sh->victim,
		.image = &im,
		.arg = sh,
	};

	await_beside(sh, v);
	if (sc->flags & REPLACES) {
		recover_whole(&trial, v);
	} else if (image_open(&im, sh->st->path)) {
		recover(&trial, v);
		image_close(&im);
	}
	if (v->ns < v->beside_ns)
		v->ns = v->beside_ns;
}

/*
 * The victim changes the file system by system calls only, so it is to die
 * before and after each of them.
 */
static void note_syscalls(const struct show *sh, struct tally *t, uint64_t n)
{
	if (!victim_at_syscall(&sh->victim))
		return;
	note_place(t, n);
	note_place(t, n + 1);
}

/*
 * Kills the victim after `*at` instructions, or at the end of its operation,
 * and sets *at to where that was.
 */
static void kill_once(const struct scenario *sc, uint64_t *at, struct tally *t,
		      bool attach_first, struct verdict *v)
{
	struct show sh = { .st = stage_make(), .scenario = sc };
	bool woken = false;

	beat();
	memset(v, 0, sizeof(*v));
	if (show_begin(&sh, sc, t)) {
		enum step s = STEP_DONE;
		uint64_t n;

		for (n = 0; n < *at && s == STEP_DONE; n++) {
			if (*at == TO_THE_END)
				note_syscalls(&sh, t, n);
			s = step(&sh, sc, &woken);
		}
		if (s == STEP_GONE && !(sc->flags & LETS_GO))
			broken(t, sc, &sh, "the victim is gone:");
		if (s != STEP_DONE && t->instructions < n)
			t->instructions = n;
		look_on(&sh, sc, attach_first, v);
		*at = n;
	}
	show_end(&sh);
}

static void kill_at(const struct scenario *sc, uint64_t at, struct tally *t,
		    bool attach_first)
{
	struct verdict v;

	kill_once(sc, &at, t, attach_first, &v);
	t->kills++;
	count(t, sc, &v, at, attach_first ? "killed, there" : "killed, coming");
}

/* Real deaths, while there is time and reason. */
struct killing {
	const struct scenario *sc;
	const struct effort *e;
	struct tally *t;
	uint64_t steps;
};

static bool enough(const struct killing *k)
{
	return k->t->kills >= k->e->kills || k->steps > k->e->steps ||
	       (k->e->until_ns && clock_ns() > k->e->until_ns);
}

static void kill_here(struct killing *k, uint64_t at)
{
	progress("%s: killed after instruction %llu of %llu", k->sc->name,
		 (unsigned long long)at,
		 (unsigned long long)k->t->instructions);
	k->steps += at;
	kill_at(k->sc, at, k->t, k->t->kills & 1);
}

/*
 * How far apart deaths must be to keep within the effort. A death at each of
 * the `count` places would take `sum` steps in all.
 */
static uint64_t stride(uint64_t sum, uint64_t count, const struct killing *k)
{
	uint64_t by_steps = sum / (k->e->steps / 2 + 1) + 1;
	uint64_t by_kills = count * 2 / k->e->kills + 1;

	return by_steps > by_kills ? by_steps : by_kills;
}

/*
 * The i-th choice of every `every`-th of `count` places. If there is no time
 * for all choices, those that are left out are spread over the whole.
 */
static uint64_t nth(uint64_t i, uint64_t count, uint64_t every)
{
	uint64_t n = count / every;

	return (n % 7919 ? i * 7919 % n : i) * every + every / 2;
}

/*
 * Half of what may be spent goes to where something has just changed, the
 * rest to all instructions alike.
 */
static void kill_often(struct killing *k)
{
	struct tally *t = k->t;
	uint64_t sum = 0, every;

	for (uint32_t i = 0; i < t->places; i++)
		sum += t->place[i];
	every = stride(sum, t->places, k);
	for (uint64_t i = 0; i < t->places / every && !enough(k); i++)
		kill_here(k, t->place[nth(i, t->places, every)]);
	sum = t->instructions * t->instructions / 2;
	every = stride(sum, t->instructions, k);
	for (uint64_t i = 0; i < t->instructions / every && !enough(k); i++)
		kill_here(k, nth(i, t->instructions, every));
}

void every_instruction(const struct scenario *sc, const struct effort *e,
		       struct tally *t)
{
	struct single s = { .e = e, .t = t };
	struct killing k = { .sc = sc, .e = e, .t = t };

	if (!(sc->flags & NO_COPIES))
		walk(stage_make(), sc, t, try_single, &s);
	else
		kill_at(sc, TO_THE_END, t, false);
	if (!t->broken)
		kill_often(&k);
}

struct pair {
	const struct scenario *second;
	const struct effort *e;
	struct tally *t;
	uint64_t states;
};

/*
 * The first victim dies in a copy of the segment, and the second plays there.
 */
static void try_pair(struct show *sh, const struct scenario *sc,
		     const struct image *im, uint64_t at, void *arg)
{
	struct pair *p = arg;
	struct single s = { .e = p->e, .t = p->t };
	struct stage *st;
	struct image copy, dead;
	char path[128];

	(void)at;
	(void)sc;
	if (p->states++ % p->e->copies_every)
		return;
	st = stage_make();
	memcpy(st->key, sh->st->key, sizeof(st->key));
	st->keys = sh->st->keys;
	stage_path(path, sizeof(path));
	if (!image_copy(im, st->path, &copy) || !image_copy(im, path, &dead)) {
		broken(p->t, sc, sh, "no copy can be made");
		return;
	}
	image_mark_victim(&dead, &sh->victim, sh->st->path);
	image_mark_others(&dead, 0);
	for (uint32_t i = 0; i < image_participants(im); i++)
		st->dies[i] = *image_word(&dead, i);
	image_close(&copy);
	image_close(&dead);
	unlink(path);
	walk(st, p->second, p->t, try_single, &s);
}

void every_two_deaths(const struct scenario *sc, const struct scenario *second,
		      const struct effort *e, struct tally *t)
{
	struct tally first = { 0 };
	struct pair p = { .second = second, .e = e, .t = t };

	walk(stage_make(), sc, &first, try_pair, &p);
	t->broken += first.broken;
}
