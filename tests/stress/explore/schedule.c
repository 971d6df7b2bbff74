/* SPDX-License-Identifier: MIT */
#include "schedule.h"

#include <string.h>

#include "janitor.h"
#include "kernel.h"
#include "memory.h"
#include "oracle.h"
#include "run.h"
#include "scenario.h"

#define MOST_STEPS 200000
/* For how long a stopped one is away. */
#define STOP_NS 1000000000

struct run run;
bool schedule_quiet;
bool schedule_verbose;
schedule_tell_fn schedule_tell;
struct schedule_counts schedule_counts;

static void tell(unsigned int fiber, const char *what)
{
	const char *where = run.where[fiber];

	if (schedule_tell)
		schedule_tell(fiber, what, where ? where : "its start",
			      run.step - run.since);
}

/* When the fiber that runs must be looked at again. */
static void look_up(void)
{
	uint32_t at = run.since + MOST_ALONE;

	if (run.taken < run.plan->count)
		at = run.plan->at[run.taken].step < at ?
			     run.plan->at[run.taken].step :
			     at;
	else if (run.decision)
		at = 0;
	run.pause_at = schedule_verbose ? 0 : at;
}

static void role_main(unsigned int fiber)
{
	const struct role *r = &run.scenario->role[fiber];

	if (fiber == run.roles)
		janitor_run(run.scenario);
	else if (schedule_quiet)
		r->prepare();
	else
		r->body();
	kernel_self()->status = TASK_ENDED;
	run.event = EVENT_BLOCK;
}

/* One decision: what the plan says, or the default, which is first. */
static struct deviation decide(int first, unsigned int switching)
{
	struct deviation by_default = { .kind = OPTION_GO_ON };
	struct choices c;

	run.step++;
	schedule_counts.decisions++;
	by_default.step = run.step;
	by_default.which = (uint8_t)first;
	if (run.taken < run.plan->count) {
		const struct deviation *d = &run.plan->at[run.taken];

		if (d->step == run.step) {
			run.taken++;
			run.pruned |= !choice_can_be_done(d);
			return run.pruned ? by_default : *d;
		}
		return by_default;
	}
	if (!run.decision)
		return by_default;
	c.step = run.step;
	c.kind = ((uint64_t)(run.now + 1) * 8 + switching * 4 + run.event) *
		 UINT64_C(0x9e3779b97f4a7c15);
	c.use = (struct step_use){
		.step = run.step,
		.before = run.before,
		.word = run.word,
		.writes = run.writes,
	};
	run.before = run.step;
	choice_list(&c, first, switching);
	if (!run.decision(&c, run.arg))
		run.pruned = true;
	return by_default;
}

static void go_to(unsigned int f)
{
	struct task *t = &world.task[f];

	if (t->status != TASK_READY)
		kernel_time(t->until);
	if (run.now >= 0 && run.now != (int)f)
		tell((unsigned int)run.now, "is held up");
	absence_end(f);
	memory_meet(f);
	run.now = (int)f;
	run.since = run.step;
	run.before = 0;
}

static void end_thread(unsigned int f)
{
	if (run.now == (int)f || world.task[f].status != TASK_ENDED)
		tell(f, "dies");
	else
		tell(f, "dies, idle");
	absence_killed(f);
	kernel_death(f);
	if (run.now == (int)f)
		run.now = -1;
}

/* All threads of a process, or one of them. */
static void kill_fiber(unsigned int f, bool alone)
{
	schedule_counts.deaths++;
	world.deaths++;
	for (unsigned int i = 0; i < run.roles; i++)
		if (alone ? i == f :
			    fiber_process(i) == f && task_lives(&world.task[i]))
			end_thread(i);
}

static void stop_fiber(unsigned int f)
{
	struct task *t = &world.task[f];

	tell(f, "stops for a second");
	schedule_counts.stops++;
	world.stops++;
	t->status = TASK_STOPPED;
	t->until = world.now + STOP_NS;
	run.now = -1;
}

/* True: the decision is made; false: a death or a stop: decide again. */
static bool apply(const struct deviation *d)
{
	bool holds_up = d->kind == OPTION_SWITCH || d->kind == OPTION_STOP;

	if (holds_up && run.event == EVENT_POINT && run.now >= 0)
		absence_begin(run.taken - 1, d->which, (unsigned int)run.now);
	switch (d->kind) {
	case OPTION_SWITCH: go_to(d->which); return true;
	case OPTION_KILL: kill_fiber(d->which, false); return false;
	case OPTION_EXIT: kill_fiber(d->which, true); return false;
	case OPTION_STOP: stop_fiber(d->which); return false;
	default: return true;
	}
}

static int first_ready(int not )
{
	for (unsigned int f = 0; f < run.roles; f++)
		if ((int)f != not &&world.task[f].status == TASK_READY)
			return (int)f;
	return -1;
}

/*
 * ORACLE-6: all sleep on words, none naps or is stopped: nothing but the end of
 * a slice helps. No more have died than the scenario says can be told at once.
 */
static bool wake_is_lost(void)
{
	bool waits = false;

	for (unsigned int f = 0; f < run.roles; f++) {
		const struct task *t = &world.task[f];

		if (t->status == TASK_STOPPED ||
		    (t->status == TASK_ASLEEP && !t->words))
			return false;
		waits |= t->status == TASK_ASLEEP &&
			 !(run.scenario->role[f].may & MAY_IDLE);
	}
	return waits && !world.stops && !run.scenario->slices &&
	       world.deaths <= run.scenario->deaths_told;
}

/* Somebody else must go on; -1: nobody ever can. */
static int choose_next(void)
{
	while (run.now < 0 && !run.pruned) {
		int first = first_ready(-1);
		uint64_t at = kernel_next_time();
		struct deviation d;

		if (first < 0 && !at)
			return -1;
		if (first < 0 && wake_is_lost()) {
			oracle_fail("all sleep, a slice must pass: a wake was "
				    "lost");
			return -1;
		}
		d = decide(first, 0);
		if (d.kind != OPTION_GO_ON)
			apply(&d);
		else if (first >= 0)
			go_to((unsigned int)first);
		else
			kernel_time(at);
	}
	return run.now;
}

/* It could go on: does it? */
static void at_point(void)
{
	struct deviation d;

	if (run.step - run.since > MOST_ALONE) {
		oracle_fail("P%d goes on and on, at %s, and nobody hinders it",
			    run.now, run.where[run.now]);
		return;
	}
	if (schedule_verbose)
		tell((unsigned int)run.now, "is");
	do {
		d = decide(run.now, 1);
	} while (!apply(&d) && run.now >= 0 && !run.pruned);
}

static void at_read(void)
{
	struct deviation d = decide(run.now, 1);

	run.value = d.kind == OPTION_READ ? d.which : 0;
	if (run.value)
		tell((unsigned int)run.now, "reads an older value");
}

/* It gives way: to whom, if anybody? */
static void at_yield(void)
{
	int other = first_ready(run.now), self = run.now;
	struct deviation d;

	if (other < 0) {
		at_point();
		return;
	}
	d = decide(other, 0);
	if (d.kind == OPTION_GO_ON)
		go_to((unsigned int)other);
	else if (!apply(&d) && run.now >= 0)
		go_to((unsigned int)self);
}

static void after_run(void)
{
	switch (run.event) {
	case EVENT_POINT: at_point(); break;
	case EVENT_YIELD: at_yield(); break;
	case EVENT_READ: at_read(); break;
	default:
		if (world.task[run.now].status == TASK_ENDED)
			tell((unsigned int)run.now, "ends");
		else
			tell((unsigned int)run.now, "sleeps");
		run.now = -1;
	}
}

static bool quietly(unsigned int fiber)
{
	schedule_quiet = true;
	fiber_run(fiber);
	schedule_quiet = false;
	return !oracle_failure;
}

static enum verdict finish(void)
{
	for (unsigned int f = 0; f < run.roles; f++)
		if (world.task[f].status == TASK_ASLEEP)
			oracle_fail("P%u sleeps for ever", f);
	world.task[run.roles].status = TASK_READY;
	if (!oracle_failure)
		quietly(run.roles);
	return oracle_failure ? VERDICT_FAILED : VERDICT_CLEAN;
}

static void begin(const struct scenario *s, const struct plan *plan,
		  schedule_decision_fn decision, void *arg)
{
	memset(&run, 0, sizeof(run));
	run.scenario = s;
	run.plan = plan;
	run.decision = decision;
	run.arg = arg;
	run.now = -1;
	while (run.roles < 4 && s->role[run.roles].name)
		run.roles++;
	run.word = -1;
	absence_new_run();
	oracle_forget();
}

enum verdict schedule_run(const struct scenario *s, const struct plan *plan,
			  schedule_decision_fn decision, void *arg)
{
	begin(s, plan, decision, arg);
	world_reset();
	memory_reset();
	fiber_reset_all(run.roles + 1, role_main);
	schedule_counts.runs++;
	while (choose_next() >= 0 && !run.pruned && !oracle_failure) {
		look_up();
		fiber_run((unsigned int)run.now);
		if (!oracle_failure)
			after_run();
		if (run.step > MOST_STEPS)
			oracle_fail("%d steps, and no end", MOST_STEPS);
	}
	schedule_counts.points += run.step;
	if (oracle_failure)
		return VERDICT_FAILED;
	return run.pruned ? VERDICT_PRUNED : finish();
}

static void introduce(unsigned int f, const struct role *r)
{
	struct task *t = &world.task[f];

	unsigned int process = r->may >> 8 ? (r->may >> 8) - 1 : f;

	fiber_join(f, process);
	t->status = r->may & FORKED ? TASK_ABSENT : TASK_READY;
	t->ns = 100 + r->ns;
	t->tid = r->tid ? r->tid : (int32_t)(50 + f);
	t->pid = world.task[process].tid;
	/* Some of its bits are not told to others. */
	t->cookie = (process + 1) << 12;
}

bool schedule_prepare(const struct scenario *s)
{
	static const struct plan nothing;
	static const struct role janitor = { .name = "janitor" };

	begin(s, &nothing, NULL, NULL);
	world_make(s->slots ? s->slots : 4, s->granules ? s->granules : 8,
		   s->buckets ? s->buckets : 1);
	fiber_clear_all();
	fiber_reset_all(run.roles + 1, role_main);
	for (unsigned int f = 0; f <= run.roles; f++) {
		const struct role *r = f < run.roles ? &s->role[f] : &janitor;

		introduce(f, r);
		fiber_load(f);
		janitor_introduce(f);
	}
	for (unsigned int f = 0; f < run.roles; f++) {
		if (!s->role[f].prepare)
			continue;
		if (!quietly(f))
			return false;
		world.task[f].status = s->role[f].body ? TASK_READY :
							 TASK_ENDED;
	}
	world.task[run.roles].status = TASK_ABSENT;
	fiber_keep_all();
	world_keep();
	return true;
}
