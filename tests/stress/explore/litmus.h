/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests: tiny programs whose every interleaving, and every choice that
 * weak memory leaves, is run.
 *
 * A thread is a list of steps, separated by ";":
 *
 *   x = 1 rel              a store; the value is a number or a register
 *   r0 = x acq             a load
 *   r0 = x cas 0 1 seq     a compare-and-swap; r0 is what was found
 *   r0 = x add 1 rlx       so are add and or
 *   fence seq
 *   if r0 = 1              the thread ends here unless that holds; also !=
 *
 * Registers r0 to r9 belong to the program as a whole; all other names are
 * words in shared memory. Orders are rlx, acq, rel, acq_rel and seq. One that
 * belongs to a label of docs/ordering.md is written with it, as in
 * rel/ORDER-F1.
 */
#ifndef EXPLORE_LITMUS_H
#define EXPLORE_LITMUS_H

#include <stdbool.h>
#include <stddef.h>

#define LITMUS_THREADS 4

struct litmus {
	const char *name;
	const char *threads[LITMUS_THREADS];
	const char *initial; /* "x = 1, y = 2"; the others are 0 */
	/*
	 * Exactly these come out, as the values of `shown`, a list of registers
	 * and words: "01 10"; and these as well if stores take effect out of
	 * order.
	 */
	const char *shown, *outcomes, *reordered;
	/*
	 * This does not come out: conditions that hold together, as in
	 * "r0 = 1, r1 != r2", or all of another list, after "|".
	 */
	const char *never;
	/*
	 * The weakest orders of its labels that see to that: "ORDER-F1 rel,
	 * ORDER-F2 acq".
	 */
	const char *needs;
};

/* Parts of an order. */
#define ORDER_ACQUIRE 1u
#define ORDER_RELEASE 2u
#define ORDER_SEQ 4u
#define ORDER_ALL 7u

/* How a program is run. */
struct litmus_mode {
	const char *label; /* NULL, or what is weakened ... */
	unsigned int keep; /* ... down to these parts */
	bool anywhere;     /* stores take effect out of order */
};

struct litmus_result {
	unsigned long runs;
	bool wrong;         /* what never comes out did */
	char outcomes[512]; /* sorted */
};

void litmus_run(const struct litmus *l, const struct litmus_mode *mode,
		struct litmus_result *out);

/* What `needs` should say, of the labels that it names. */
void litmus_needs(const struct litmus *l, char *out, size_t size);

#endif
