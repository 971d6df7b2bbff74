/* SPDX-License-Identifier: MIT */
/*
 * Moving a segment's contents to its successor: values, semaphores' maxima,
 * records of saved files, and the marks of locks whose last holders died. A
 * flight ends in the segment in which it began.
 */
#ifndef TOP_MOVING_H
#define TOP_MOVING_H

#include <sfshm/resize.h>
#include <sfshm/result.h>

#include "peer/participant.h"

struct move {
	struct mapping *old, *new;
	struct peer *from, *to; /* this thread's peers in old, new */
	sfshm_progress_fn progress;
	void *arg;
	uint64_t deadline;         /* ns; 0: none */
	uint64_t moved;            /* keys, so far */
	struct sfshm_result value; /* buffer for each value in turn */
};

/*
 * Moves everything, and waits until no flight is left in the old segment.
 * Returns 0, -ETIMEDOUT or an error; a second call moves what the first one
 * has not moved.
 */
int move_all(struct move *m);

/* Frees what move_all() has allocated. */
void move_clear(struct move *m);

#endif
