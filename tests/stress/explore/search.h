/* SPDX-License-Identifier: MIT */
/*
 * Depth first over all runs within a budget.
 *
 * A run goes by its plan, then by the defaults; each other thing that could
 * have been done on the way is a plan of its own, to be tried later. A state
 * that was met before with as much of the budget left is not followed again:
 * what can come of it has been, or will be, tried from there. A state is the
 * segment, the kernel's and the oracle's memory, and each living fiber's stack
 * and memory, registers included; two states may pass for the same by a
 * collision of 61-bit hashes only.
 */
#ifndef EXPLORE_SEARCH_H
#define EXPLORE_SEARCH_H

#include "schedule.h"

struct search {
	const struct scenario *scenario;
	unsigned int budget;
	uint64_t most_runs; /* 0: no end */
	/* results */
	uint64_t states;
	uint64_t given_up; /* plans with too many deviations */
	bool complete;
	struct plan failed;
	char failure[512];
};

/* True: a failure was found; `failed` is a plan that shows it, cut down. */
bool search_run(struct search *s);

#endif
