/* SPDX-License-Identifier: MIT */
/*
 * The follower's part of --follow-output: a child process that writes out the
 * leader's transcript (see transcript.h) while this process waits for the
 * flight. A slow reader of this call holds up the child alone. The child notes
 * in memory that both share what it has written of which flight; when the wait
 * has ended, this process goes on from there.
 *
 * If the leader does not end its flight, because it is killed or replaced, the
 * child goes on with the next leader's transcript. The output that it has
 * written by then stays, and a line on standard error separates that output
 * from the next run's.
 *
 * If somebody kills the child while it waits for output, this process writes
 * the rest at the run's end; if the child is writing, the call fails, because
 * nobody knows how much the reader has.
 *
 * The child dies with this process. It finds the leader through a view.
 */
#ifndef RUN_FOLLOW_H
#define RUN_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "invocation.h"

/* Whether a call that waits needs the child. */
bool follow_wanted(const struct invocation *inv);

/*
 * Starts the child. If that fails, the call gets the output at the run's end,
 * as without --follow-output.
 */
void follow_start(struct invocation *inv);

/*
 * Ends the child at once, because the wait has ended without a usable result.
 * If this call `leads` now, or asks again because the result's file is gone, a
 * line separates the next run's output from what the child has written. Leaves
 * errno alone.
 */
void follow_drop(struct invocation *inv, bool leads);

/*
 * The result of the flight `generation` is there: lets the child write out what
 * is left of that run, and waits for it. Returns whether nothing is left to
 * write: the call has all output, and *o has the run's status; or *o says that
 * a signal ends this process, or that the child was killed while it wrote. If
 * something is left, inv->shown_out and inv->shown_err say how much of the
 * result is written already.
 */
bool follow_finish(struct invocation *inv, uint64_t generation,
		   struct outcome *o);

#endif
