/* SPDX-License-Identifier: MIT */
/* The counted operations, each in a function of its own. */
#ifndef TESTS_BENCH_OPS_H
#define TESTS_BENCH_OPS_H

#include <stdbool.h>

#include <sfshm.h>

struct op {
	const char *name;
	bool full; /* in a segment whose slots are all taken */
	/* Makes ready what a run needs; not counted. May be NULL. */
	void (*before)(void);
	/* One run, in a function that is named counted_... */
	void (*run)(void);
	void (*after)(void); /* not counted; may be NULL */
};

/* Ended by one without a name. */
extern const struct op ops[];

/*
 * Makes the segment that the operation needs, and starts `program` to sleep in
 * it when it is told.
 */
void ops_open(const char *segment, const char *program, const struct op *op);
void ops_close(void);

/* That process. */
_Noreturn void ops_sleep(const char *segment);

/* Ends the program unless `ok`. */
void ops_need(int ok, const char *what);

#endif
