/* SPDX-License-Identifier: MIT */
/*
 * Replacing a live segment by another one, larger or smaller.
 */
#ifndef SFSHM_RESIZE_H
#define SFSHM_RESIZE_H

#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* How far a resize is: values moved so far, flights still to end. */
typedef void (*sfshm_progress_fn)(uint64_t moved, uint64_t flights, void *arg);

/*
 * Makes a successor of the segment `name` with the geometry in `options`
 * (fields that are 0 keep what they are; owner, group and mode stay), moves
 * the live values over and puts it in the segment's place. Every process that
 * has the segment open follows at its next call; flights in progress finish
 * where they began, and whoever asks for their keys meanwhile waits for them
 * there. Then waits until the last of them has ended, or `deadline_ns` (0:
 * none), and lets go of the old segment.
 *
 * With NULL options, finishes a resize that was interrupted. `progress` (or
 * NULL) is called now and then.
 *
 * Returns 0; -EBUSY: another resize is at it; -EEXIST: a file that is no
 * segment's stands at "NAME~" or "NAME~new"; -ETIMEDOUT: the successor is in
 * place, flights in the old one go on: call again later with NULL; -ENOSPC:
 * no room for it, nothing has changed (values that find no room in it are left
 * behind);
 * -EINVAL; -EOVERFLOW: after some 8000 resizes, make a new segment; or as
 * sfshm_open(). options->why gets a line.
 *
 * Killed at any instruction: the segment works, as it was or as it is to be;
 * call again. A segment without a name cannot be resized. Keys' generations
 * go on growing. Failures that were kept are not moved. Blocks. Not for
 * signal handlers.
 */
int sfshm_resize(const char *name, const struct sfshm_options *options,
		 uint64_t deadline_ns, sfshm_progress_fn progress,
		 void *arg) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
