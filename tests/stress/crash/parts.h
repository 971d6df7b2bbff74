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
 * Runs `fn` in a process of its own: what hangs or crashes there is found
 * here, and takes its helpers along. True: it ended well.
 */
bool run_apart(void (*fn)(void *), void *arg);

/* Set by a signal's handler: what runs apart ends, and this process too. */
extern int interrupted_by;

/* A sign of life, from there, now and then. */
void beat(void);

/* Zeroed memory that it shares with the caller. */
void *shared_memory(size_t size);

/* Shown while it lasts, if there is somebody to see it. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_end(void);

#endif
