/* SPDX-License-Identifier: MIT */
/* The parts of the harness, and what they share. */
#ifndef CRASH_PARTS_H
#define CRASH_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
	bool full;
	const char *only;     /* operations whose names hold this */
	uint64_t deadline_ns; /* no more samples after this; 0: no end */
};

/* Each prints its table and returns how many rows of it are bad. */
int part_steps(const struct options *opt);
int part_double(const struct options *opt);
int part_crowd(const struct options *opt);
int part_reader(const struct options *opt);

/*
 * Runs `fn` in a process of its own. If that process hangs or crashes, this
 * call notices it and ends its helpers, too. True: it ended well.
 */
bool run_apart(void (*fn)(void *), void *arg);

/* Set by a signal's handler: what runs apart ends, and this process too. */
extern int interrupted_by;

/* Gives a sign of life: for code that runs apart to call now and then. */
void beat(void);

/* Zeroed memory that a process which runs apart shares with its parent. */
void *shared_memory(size_t size);

/* Shows how far the harness is, if standard error is a terminal. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_end(void);

#endif
