/* SPDX-License-Identifier: MIT */
/*
 * A look at a segment's participants, and the search for circles of waits that
 * lead through commands.
 *
 * A process that holds something waits for its command to end, and so for each
 * waiting call among its descendants. A circle is closed when a holder is a
 * process that the searching call runs under. If several threads hold a
 * semaphore's permits, all of them must be in the circle; of those that share a
 * lock, one is enough.
 */
#ifndef RUN_CIRCLE_H
#define RUN_CIRCLE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sfshm/inspect.h>

#include "options.h"

struct circle_view {
	struct sfshm_view *view;
	struct sfshm_participant_info *participants;
	uint32_t count;
	uint64_t pid_ns; /* of this process */
	int64_t slot;    /* of what the options ask for; -1: none */
};

/* Whether the slot is of what the options ask for. */
bool circle_wants(const struct options *options,
		  const struct sfshm_slot_info *slot);

/* Finds that slot. -1: there is none. */
int64_t circle_find_slot(struct sfshm_view *view,
			 const struct options *options);

/* Takes a look. Returns 0 or a negated errno value. */
int circle_open(struct circle_view *v, const struct options *options);

void circle_close(struct circle_view *v);

/*
 * Reads the slot, and stores the participants that hold it, at most
 * SFSHM_PERMITS_MAX. Returns how many; 0: none, or it cannot be read.
 */
int circle_holders(const struct circle_view *v, uint32_t index,
		   struct sfshm_slot_info *slot, uint32_t *holders);

/*
 * Whether the call `caller` waits in a circle, and is to give up. At first only
 * the call with the highest process id gives up; after ten looks, any call.
 */
bool circle_find(const struct circle_view *v, pid_t caller, unsigned looks);

#endif
