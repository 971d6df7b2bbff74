/* SPDX-License-Identifier: MIT */
/* Traces: which keys are asked for, one after the other. */
#ifndef HITRATIO_TRACE_H
#define HITRATIO_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#define POPULAR 100000 /* keys that follow Zipf's law */

struct trace {
	uint32_t *keys;
	uint32_t n;
	uint32_t highest; /* keys are below it */
};

/* What a made trace is like. */
struct recipe {
	double exponent; /* of Zipf's law */
	bool scans;      /* now and then, many keys are asked for once */
	bool drifts;     /* each key's popularity changes with time */
};

/* Makes a trace, the same in every run. Returns 0, or -1 without memory. */
int trace_make(struct trace *t, uint32_t n, const struct recipe *r);

/*
 * Reads a trace, a number a line, from a file ("-": standard input). Returns 0,
 * or -1 after an error message.
 */
int trace_read(struct trace *t, const char *path);

#endif
