/* SPDX-License-Identifier: MIT */
/*
 * Limits on what a segment holds, in the form that monitoring plugins have: one
 * line, figures behind a bar, and the status 0 to 3.
 */
#ifndef DUMP_CHECK_H
#define DUMP_CHECK_H

#include <stdint.h>

enum check_status { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

enum check_metric {
	CHECK_WAITERS,
	CHECK_AGE,
	CHECK_IDLE,
	CHECK_FAILED,
	CHECK_DEAD,
	CHECK_DEATHS,
	CHECK_SLOTS,
	CHECK_MEMORY,
	CHECK_PARTICIPANTS,
	CHECK_METRICS
};

/* A limit: a number, in ms for a time, in hundredths with `percent`. */
struct check_limit {
	int given, percent;
	uint64_t number;
};

struct check {
	struct {
		int given;
		struct check_limit warning, critical;
	} metrics[CHECK_METRICS];
};

struct options;

/*
 * Reads "waiters=50,age=30s:1m,slots=90%". Returns 0, or -EINVAL with the bad
 * part, `bad_len` bytes, at *bad.
 */
int check_parse(struct check *check, const char *text, const char **bad,
		int *bad_len);

/* Looks at the segment, prints the line, and returns enum check_status. */
int check_show(const struct options *options);

#endif
