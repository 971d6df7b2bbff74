/* SPDX-License-Identifier: MIT */
/*
 * Resizing: replace a live segment by a larger or smaller one.
 */
#ifndef SFSHM_RESIZE_H
#define SFSHM_RESIZE_H

#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* Shows the progress of a resize: how many values it has moved so far, and how
   many flights, locks and permits in the old segment must still end (0 while
   values still move). */
typedef void (*sfshm_progress_fn)(uint64_t moved, uint64_t flights, void *arg);

/*
 * Replaces the segment `name` by a new one, its successor, with the geometry in
 * `options`. For a field that is 0, the new segment has what the old one had;
 * owner, group and mode stay. Every process that has the segment open follows
 * at its next call. The call moves the live values over, with their ages and
 * lifetimes. Then it waits until the last flight, lock and permit in the old
 * segment has ended, or until `deadline_ns` (CLOCK_MONOTONIC; 0: no limit).
 * Then it removes the old segment. A flight ends in the segment in which it
 * began; callers that ask for its key meanwhile wait for it there. The call
 * moves no failures, and no values that do not fit into the new segment.
 * Generations keep growing.
 *
 * With `options` NULL, finishes a resize that was interrupted or timed out.
 * With `options`, finishes such a resize first, then does its own. From time to
 * time the call calls `progress` (or NULL) with `arg`.
 *
 * Returns 0, or an error, with a line in options->why:
 *
 *   -EBUSY      Another resize is running. Let it finish.
 *   -EDEADLK    This thread leads a flight, or holds a lock or permit, in the
 *               segment; the resize would wait for it. End it first; nothing
 *               has changed.
 *   -ETIMEDOUT  The successor is in place, and flights, locks or permits in the
 *               old segment go on. Call again later with `options` NULL.
 *   -ENOSPC     There is no room for the successor; nothing has changed.
 *   -EEXIST     A file that is not part of this segment has the name "NAME~"
 *               or "NAME~new". Move it away.
 *   -EOVERFLOW  Generations run out after some 2000 resizes. Make a new
 *               segment.
 *   -EINVAL     The geometry is out of range.
 *   Others      As sfshm_open().
 *
 * A segment without a name cannot be resized. Blocks. Thread-safe; not for
 * signal handlers; no cancellation point; do not call it inside an RCU
 * read-side section. If the caller dies at any instruction, the segment still
 * works, in its old shape or its new one; call again. If the caller is stopped
 * while it moves a value, callers that ask for that key wait for up to a
 * second.
 */
int sfshm_resize(const char *name, const struct sfshm_options *options,
		 uint64_t deadline_ns, sfshm_progress_fn progress,
		 void *arg) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
