/* SPDX-License-Identifier: MIT */
/* Lists the choices of a decision besides its default. */
#include "kernel.h"
#include "run.h"
#include "scenario.h"
#include "sharing.h"

#define MOST_DEATHS 2
#define MOST_STOPS 1

static bool has_a_time(const struct task *t)
{
	return t->until && t->status != TASK_READY;
}

static void add(struct choices *c, enum option_kind kind, unsigned int which,
		unsigned int cost)
{
	if (c->count == sizeof(c->option) / sizeof(c->option[0]))
		return;
	c->option[c->count] = (struct deviation){
		.step = c->step,
		.kind = (uint8_t)kind,
		.which = (uint8_t)which,
	};
	c->holds_up[c->count] = run.event == EVENT_POINT && run.now >= 0 &&
				(kind == OPTION_SWITCH || kind == OPTION_STOP);
	c->cost[c->count++] = (uint8_t)cost;
}

/* Whether its death changes anything. */
static bool is_there(unsigned int f)
{
	const struct task *t = &world.task[f];

	return task_lives(t) && (t->status != TASK_ENDED || t->held_count);
}

static bool works(unsigned int f)
{
	return world.task[f].status == TASK_ASLEEP && !world.task[f].words;
}

/* Whether the process whose first thread is f may be killed here. */
static bool may_be_killed(unsigned int f)
{
	uint32_t may = run.scenario->role[f].may;
	bool any = false;

	if (!(may & MAY_DIE || (may & MAY_DIE_AT_WORK && works(f))) ||
	    fiber_process(f) != f || world.deaths >= MOST_DEATHS)
		return false;
	for (unsigned int i = 0; i < run.roles; i++)
		any |= fiber_process(i) == f && is_there(i);
	return any;
}

static bool may_exit(unsigned int f)
{
	uint32_t may = run.scenario->role[f].may;

	return (may & MAY_EXIT || (may & MAY_EXIT_AT_WORK && works(f))) &&
	       is_there(f) && !world.task[f].locks &&
	       world.deaths < MOST_DEATHS;
}

/*
 * A fiber need not die before a word that it only reads: it could as well have
 * died before its last write. The death of another fiber matters only before a
 * liveness word is used, because it changes nothing else.
 */
static bool death_matters(enum option_kind kind, unsigned int f)
{
	size_t at = (size_t)run.word * 8;

	if (run.event != EVENT_POINT || run.now < 0 || run.word < 0)
		return true;
	/* A process takes its own memory along. */
	if (fiber_process((unsigned int)run.now) == f && kind == OPTION_KILL)
		return run.writes && (size_t)run.word < SHARING_PRIVATE;
	if ((int)f == run.now)
		return run.writes;
	return at >= world_geometry.participants_at &&
	       at < world_geometry.buckets_at &&
	       (at - world_geometry.participants_at) %
			       sizeof(struct shm_participant) ==
		       0;
}

/*
 * Lists the choices besides the default. `first`: the one that goes on by
 * default, or -1. To take another one costs `switching`: 1 if the last one
 * could go on, else 0.
 */
void choice_list(struct choices *c, int first, unsigned int switching)
{
	c->count = 0;
	if (run.event == EVENT_READ && run.now >= 0) {
		for (unsigned int i = 1; i < run.values; i++)
			add(c, OPTION_READ, i, 1);
		return;
	}
	for (unsigned int f = 0; f < run.roles; f++) {
		const struct task *t = &world.task[f];

		if ((int)f != first && t->status == TASK_READY)
			add(c, OPTION_SWITCH, f, switching);
		else if (has_a_time(t) && first >= 0)
			add(c, OPTION_SWITCH, f, 1);
		if (may_be_killed(f) && death_matters(OPTION_KILL, f))
			add(c, OPTION_KILL, f, 1);
		if (may_exit(f) && death_matters(OPTION_EXIT, f))
			add(c, OPTION_EXIT, f, 1);
	}
	if (run.event == EVENT_POINT && run.now >= 0 &&
	    run.scenario->role[run.now].may & MAY_STOP &&
	    world.stops < MOST_STOPS)
		add(c, OPTION_STOP, (unsigned int)run.now, 1);
}

/* A plan that was cut down may ask for what cannot be done. */
bool choice_can_be_done(const struct deviation *d)
{
	const struct task *t = &world.task[d->which];

	switch (d->kind) {
	case OPTION_SWITCH: return t->status == TASK_READY || has_a_time(t);
	case OPTION_KILL: return may_be_killed(d->which);
	case OPTION_EXIT: return may_exit(d->which);
	case OPTION_STOP: return run.now == (int)d->which;
	case OPTION_READ: return run.event == EVENT_READ;
	default: return true;
	}
}
