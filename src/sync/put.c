/* SPDX-License-Identifier: MIT */
/*
 * Taking the lead of a key, for a caller that has the value already.
 *
 *  PUT-1. A put without a condition waits for nobody. It robs the key's leader,
 *      which may be alive, in the way of sfshm_invalidate() with SFSHM_HARD:
 *      the key moves to a new slot.
 *  PUT-2. The followers of the robbed leader are woken only when the put has
 *      the new slot: if they were woken earlier, they would compete with the
 *      put for the lead. If the putter dies or stops in between, each follower
 *      wakes at the end of its slice.
 *  PUT-3. Nobody can replace the value unnoticed between a conditional put's
 *      check and its lead. Either the put checks the value as the key's leader;
 *      or it checks first, and then robs the leader by a CAS that fails if the
 *      control word has changed since the check. After that CAS the key has no
 *      value.
 *  PUT-4. A conditional put waits for a flight under way before it robs the
 *      leader, but no longer than PATIENCE_MS. Without the wait, of two puts
 *      over one value the second would rob the first. A third caller would find
 *      no value then, and its put could succeed as the put of a missing value.
 *      A leader that has its value already, as the first put has, ends its
 *      flight within that time unless it is stopped.
 *
 * In a predecessor no flight begins any more, so a put wakes the followers
 * there at once.
 */
#include <errno.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/wait.h"
#include "sync/consult.h"
#include "sync/move.h"

/* Each try that fails means that another caller came first. */
#define MOST_TRIES 1000

#define PATIENCE_MS 100

/*
 * Whether a conditional put may replace the value of the slot whose word is
 * `ctl`: the value is of generation *needed; or *needed is 0, and no value is
 * fresh. If `needed` is NULL, the put may replace any value.
 */
static bool holds(struct peer *p, uint32_t slot, uint64_t ctl,
		  const uint64_t *needed)
{
	struct field f = slot_value(p->map, slot, ctl);

	if (!needed)
		return true;
	if (!*needed)
		return !ctl_has(ctl) ||
		       !front_fresh(f.front, peer_clock(p, sys.coarse())) ||
		       tagging_outdates(p->map, slot, ctl);
	return ctl_has(ctl) && look_generation(f, ctl) == *needed;
}

/* Whether a conditional put may succeed, by a look that changes nothing. */
static bool seems_held(struct call *c, const uint64_t *needed)
{
	struct sighting seen;

	if (!needed || flight_find(c, &seen) != 1)
		return !needed || !*needed;
	return holds(c->self, seen.slot, seen.ctl, needed);
}

/*
 * PUT-1: takes the key from its leader in this segment. Returns the event that
 * the leader's followers sleep on, or NULL: nothing was taken.
 */
static uint32_t *rob(struct call *c, const uint64_t *needed)
{
	struct sighting seen;

	if (flight_find(c, &seen) != 1 || !ctl_busy(seen.ctl) ||
	    (ctl_owner(seen.ctl) == c->self->id &&
	     !flight_is_detached(c->self->map, seen.slot, seen.ctl)) ||
	    !holds(c->self, seen.slot, seen.ctl, needed) ||
	    !slot_retire_unsaid(c->self, seen.slot, seen.ctl))
		return NULL;
	peer_count(c->self, COUNT_invalidations);
	kill_point(put_robbed);
	return &c->self->map->cold[seen.slot].event;
}

static int rob_there(struct call *c)
{
	uint32_t *event = rob(c, NULL);

	if (event)
		event_wake(c->self->map, event, true);
	return -ENODATA;
}

/* PUT-4: whether a wait for the flight under way has ended without the lead. */
static bool has_waited(int r)
{
	return r == SFSHM_AWAITED || r == SFSHM_CACHED || r == -ETIMEDOUT ||
	       r == -EREMOTEIO || r == -EDEADLK || r == -EAGAIN;
}

int flight_take(struct call *c, struct flight *f, const uint64_t *needed)
{
	static const uint64_t none = 0;
	const struct call asked = *c;
	struct sfshm_policy patient = *c->policy;
	bool waits;
	int r = -EBUSY;

	if (needed && load_relaxed(&c->self->map->predecessor))
		return -EBUSY;
	patient.flags &= ~SFSHM_TRY;
	patient.wait_timeout_ms = PATIENCE_MS;
	for (int n = 0; r == -EBUSY && n < MOST_TRIES; n++) {
		uint32_t *event = NULL;

		*c = asked;
		if (!seems_held(c, needed))
			return -ESTALE;
		waits = needed && n == 1; /* PUT-4 */
		if (waits) {
			c->policy = &patient;
			c->flags = patient.flags;
		} else if (n) {
			(void)flight_consult(c, rob_there);
			event = rob(c, needed);
		}
		if (event && needed) /* PUT-3 */
			needed = &none;
		r = flight_begin(c, f);
		if (waits && has_waited(r))
			r = -EBUSY;
		if (event) /* PUT-2 */
			event_wake(c->self->map, event, true);
	}
	if (r != SFSHM_LEADER || holds(c->self, f->slot, f->ctl, needed))
		return r;
	(void)flight_release(f, c->self);
	return -ESTALE;
}
