/* SPDX-License-Identifier: MIT */
/* Prints a row for each scenario, and a failure's schedule. */
#ifndef EXPLORE_REPORT_H
#define EXPLORE_REPORT_H

#include "scenario.h"
#include "search.h"

struct report_row {
	const struct scenario *scenario;
	struct schedule_counts before;
	double began;
};

void report_begin(struct report_row *row);
void report_end(struct report_row *row, const struct search *s, bool found);

/* The same in a few words. */
void report_found(struct report_row *row, const struct search *s);

/* Runs the failing plan once more, and tells it. */
void report_failure(struct search *s);

/* One line of that. */
void report_tell(unsigned int fiber, const char *what, const char *where,
		 uint32_t points);

/* A schedule as it is printed. */
bool report_parse(const char *text, struct plan *plan);

#endif
