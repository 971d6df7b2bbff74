/* SPDX-License-Identifier: MIT */
/* The state of a run, which schedule.c, point.c and choice.c share. */
#ifndef EXPLORE_RUN_H
#define EXPLORE_RUN_H

#include "fiber.h"
#include "schedule.h"

/* A fiber that passes so many points while no other one runs will not end. */
#define MOST_ALONE 20000

enum event {
	EVENT_POINT,
	EVENT_YIELD,
	EVENT_READ,  /* which of several values */
	EVENT_BLOCK, /* or it has ended */
};

struct run {
	const struct scenario *scenario;
	const struct plan *plan;
	schedule_decision_fn decision;
	void *arg;
	unsigned int roles;
	unsigned int taken; /* deviations of the plan that are behind us */
	int now;            /* the fiber that runs, or -1 */
	enum event event;
	uint32_t step;
	uint32_t pause_at; /* the step to look up at */
	uint32_t since;    /* the step at which this fiber came */
	uint32_t before;   /* its decision before this one, or 0 */
	int32_t word;      /* that it is about to use; -1: the kernel's turn */
	bool writes;
	unsigned int values, value; /* how many may be read; which one is */
	bool pruned;
	const char *where[FIBERS];
};
extern struct run run;

/* Lists the choices besides the default. */
void choice_list(struct choices *c, int first, unsigned int switching);

/* Whether a plan's deviation can be done as things are. */
bool choice_can_be_done(const struct deviation *d);

#endif
