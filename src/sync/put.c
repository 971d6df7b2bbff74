/* SPDX-License-Identifier: MIT */
/*
 * Taking the lead of a key for a value that is there already.
 *
 *  PUT-1. A put waits for nobody. A leader that may be alive is robbed as by
 *      sfshm_invalidate() with SFSHM_HARD: the key moves to a new slot.
 *  PUT-2. The robbed leader's followers sleep on until the put has the new
 *      slot, or they would ask for the lead at the same time as the put. If the
 *      putter dies or stops between the two, the end of each follower's slice
 *      wakes it.
 *
 * In the predecessor of a segment nobody leads any more, so the followers there
 * are woken at once.
 */
#include <errno.h>

#include "os/killpoint.h"
#include "peer/wait.h"
#include "sync/consult.h"

/* Each try that fails means that another caller came first. */
#define MOST_TRIES 1000

/*
 * Takes the key from the leader that this segment has for it. Returns the word
 * that the leader's followers sleep on, or NULL: nothing was taken.
 */
static uint32_t *rob(struct call *c)
{
	struct sighting seen;

	if (flight_find(c, &seen) != 1 || !ctl_busy(seen.ctl) ||
	    ctl_owner(seen.ctl) == c->self->id ||
	    !slot_retire_unsaid(c->self, seen.slot, seen.ctl))
		return NULL;
	peer_count(c->self, COUNT_invalidations);
	kill_point(put_robbed);
	return &c->self->map->cold[seen.slot].event;
}

static int rob_there(struct call *c)
{
	uint32_t *event = rob(c);

	if (event)
		event_wake(event, true);
	return -ENODATA;
}

int flight_take(struct call *c, struct flight *f)
{
	const struct call asked = *c;
	int r = flight_begin(c, f);

	for (int n = 0; r == -EBUSY && n < MOST_TRIES; n++) {
		uint32_t *event;

		*c = asked;
		(void)flight_consult(c, rob_there);
		event = rob(c);
		r = flight_begin(c, f);
		if (event)
			event_wake(event, true);
	}
	return r;
}
