/* SPDX-License-Identifier: MIT */
/*
 * One run: who goes on at each point.
 *
 * By default the fiber that runs goes on, or, if it cannot, the first one that
 * can. A run is described by its deviations: the decisions at which it did not
 * take the default. So a run can be repeated, and another run be made of it
 * that differs from some decision on.
 *
 * The budget: to take the processor away from a fiber that could go on, a
 * death and a stop cost 1 each; a choice among those that can go on, where
 * the last one cannot, costs nothing.
 */
#ifndef EXPLORE_SCHEDULE_H
#define EXPLORE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "absence.h"

enum option_kind {
	OPTION_GO_ON,
	OPTION_SWITCH, /* to that fiber; if it sleeps, its time passes first */
	OPTION_KILL,   /* that process: the number is its first fiber's */
	OPTION_STOP,   /* the one that runs */
	OPTION_READ,   /* weak memory: the n-th newest value */
	OPTION_EXIT,   /* that thread alone */
};

struct deviation {
	uint32_t step;
	uint8_t kind;
	uint8_t which;
};

#define MOST_DEVIATIONS 20

struct plan {
	uint8_t count;
	uint8_t cost;
	uint8_t holds_up;    /* the last deviation holds one up: absence.h */
	struct step_use use; /* ... before this */
	struct deviation at[MOST_DEVIATIONS];
};

enum verdict {
	VERDICT_CLEAN,
	VERDICT_PRUNED, /* it came to a state that was met before */
	VERDICT_FAILED,
};

/* In a fiber: others may come first, or it may end here. */
void schedule_point(const char *where);

/*
 * The same before a word is used. A fiber need not die before a word that it
 * only reads: it could as well have died before its last write. Another fiber's
 * death changes liveness words only.
 */
void schedule_access(const void *at, bool writes, const char *where);

/* The same where nothing that others do matters: it counts, and no more. */
void schedule_pass(const char *where);

/* In a fiber: it sleeps (its task says on what). */
void schedule_block(void);

/* In a fiber: it gives way; if nobody else can go on, time passes. */
void schedule_yield(void);

/* In a fiber: which of n values it reads, 0 the newest; weak.h asks. */
unsigned int schedule_read(unsigned int n);

/* While this is set there are no points, as if all were one step. */
extern bool schedule_quiet;

/*
 * The search is asked at each decision that the plan says nothing of: false
 * ends the run, because all that follows is known. `option` and `cost` are the
 * other things that can be done here.
 */
struct choices {
	uint32_t step;
	uint64_t kind; /* of decision, and whose: a part of the state */
	struct step_use use;
	unsigned int count;
	struct deviation option[24];
	uint8_t cost[24];
	bool holds_up[24]; /* it holds up one that could go on */
};
typedef bool (*schedule_decision_fn)(const struct choices *c, void *arg);

struct scenario;

/* The scenario's set-up. False: it has failed (oracle_failure). */
bool schedule_prepare(const struct scenario *s);

/* A run from there. */
enum verdict schedule_run(const struct scenario *s, const struct plan *plan,
			  schedule_decision_fn decision, void *arg);

/* Of all runs so far. */
struct schedule_counts {
	uint64_t runs, points, deaths, stops, decisions;
};
extern struct schedule_counts schedule_counts;

/* Told of each change of who runs, for reports; or NULL. */
typedef void (*schedule_tell_fn)(unsigned int fiber, const char *what,
				 const char *where, uint32_t points);
extern schedule_tell_fn schedule_tell;

/* ... and of each point. */
extern bool schedule_verbose;

#endif
