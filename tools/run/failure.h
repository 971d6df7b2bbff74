/* SPDX-License-Identifier: MIT */
/*
 * The failed flight of a command whose exit status is not 0, or that a signal
 * killed.
 *
 * The flight's code is the exit status as a shell shows it. Its message says
 * how the command ended, and has the last line of its standard error:
 *
 *   exit status 3: LINE           LINE is all that the command wrote
 *   exit status 3                 the command wrote nothing
 *   exit status 3, run 42: LINE   the output is in a record of its own
 *   exit status 3, output not kept: LINE
 *                                 there was no room for the record
 *   killed by signal 9, ...       likewise
 *
 * The record is a value under a key of its own, because a failed flight has no
 * value, and leaves the key's last good value as it is. The record's note has
 * the low bits of the flight's generation, 42 above.
 */
#ifndef RUN_FAILURE_H
#define RUN_FAILURE_H

#include "invocation.h"
#include "record.h"
#include "run.h"

/*
 * Whether the segment can have a record of the run's output. If it cannot,
 * --file publishes the run's file as if the run had succeeded.
 */
bool failure_fits(const struct invocation *inv,
		  const struct record_header *header);

/* Keeps the output, and fails the flight. Returns as sfshm_fail(). */
int failure_share(const struct invocation *inv, struct sfshm_flight *flight,
		  const struct record_header *header, const struct run *run);

/*
 * Writes out the failed run that `code` and `message` tell of, and notes its
 * status. False: they do not come from failure_share().
 */
bool failure_follow(const struct invocation *inv, int code, const char *message,
		    struct outcome *o);

#endif
