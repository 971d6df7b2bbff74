/* SPDX-License-Identifier: MIT */
/*
 * Taking the lead of a key, for a caller that has the value already.
 *
 *  PUT-1. A put waits for no work. It robs the key's leader, which may be
 *      alive, in the way of sfshm_invalidate() with SFSHM_HARD: the key moves
 *      to a new slot.
 *  PUT-2. The followers of the robbed leader are woken only when the put has
 *      the new slot: if they were woken earlier, they would compete with the
 *      put for the lead. If the putter dies or stops in between, each follower
 *      wakes at the end of its slice.
 *  PUT-3. Nobody can replace the value unnoticed between a conditional put's
 *      check and its lead. Either the put checks the value as the key's leader;
 *      or it checks first, and then robs the leader by a CAS that fails if the
 *      control word has changed since the check. After that CAS the key has no
 *      value.
 *  PUT-4. A put waits for another put's flight before it robs the leader, and a
 *      conditional put waits for any flight, but no longer than PATIENCE_MS in
 *      all. Without the wait, of two puts over one value the second would rob
 *      the first. A third caller would find no value then, and its put could
 *      succeed as the put of a missing value. A leader that has its value
 *      already ends its flight within that time unless it is stopped. PUT_LEASE
 *      marks such a leader. As long as a leader has not noted its lease, it
 *      counts as such a leader, too.
 *
 * In a predecessor no flight begins any more, so a put wakes the followers
 * there at once.
 */
#include <errno.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/wait.h"
#include "sync/consult.h"
#include "sync/leader.h"
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
 * PUT-4: whether the key's leader has its value already, or has not noted yet
 * what it is.
 */
static bool put_leads(struct call *c)
{
	struct sighting seen;

	return flight_find(c, &seen) == 1 && ctl_busy(seen.ctl) &&
	       leader_may_put(c->self->map, &seen, sys.coarse());
}

/*
 * PUT-1: takes the key from its leader in this segment; from another put only
 * if `puts` is true. Returns the event that the leader's followers sleep on, or
 * NULL: nothing was taken.
 */
static uint32_t *rob(struct call *c, const uint64_t *needed, bool puts)
{
	struct sighting seen;

	if (flight_find(c, &seen) != 1 || !ctl_busy(seen.ctl) ||
	    (!puts && leader_may_put(c->self->map, &seen, sys.coarse())) ||
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
	uint32_t *event = rob(c, NULL, true);

	if (event)
		event_wake(c->self->map, event, true);
	return -ENODATA;
}

/*
 * PUT-4: leads, or waits for the flight under way, until *deadline, which the
 * first wait sets. Returns as flight_begin(); or -EBUSY: that flight has ended;
 * or -ETIMEDOUT: the put must not wait any longer.
 */
static int begin_patiently(const struct call *c, struct flight *f,
			   uint64_t *deadline)
{
	struct sfshm_policy patient = *c->policy;
	struct call mine = *c;
	int r;

	patient.flags &= ~SFSHM_TRY;
	patient.wait_timeout_ms = PATIENCE_MS;
	mine.policy = &patient;
	mine.flags = patient.flags;
	mine.wait.deadline = *deadline;
	r = flight_begin(&mine, f);
	*deadline = mine.wait.deadline;
	/* The flight has marked its key as uncacheable. */
	if (r == SFSHM_LEADER && f->alone)
		r = SFSHM_AWAITED;
	switch (r) {
	case SFSHM_CACHED:
	case SFSHM_AWAITED:
	case -EREMOTEIO:
	case -ENOENT: return -EBUSY;
	/* To wait would close a circle. */
	case -EDEADLK: return -ETIMEDOUT;
	default: return r;
	}
}

int flight_take(struct call *c, struct flight *f, const uint64_t *needed)
{
	static const uint64_t none = 0;
	const struct call asked = *c;
	bool waits = true; /* PUT-4 */
	uint64_t deadline = 0;
	int r = -EBUSY;

	if (needed && load_relaxed(&c->self->map->predecessor))
		return -EBUSY;
	for (int n = 0; r == -EBUSY && n < MOST_TRIES; n++) {
		uint32_t *event = NULL;

		*c = asked;
		if (!seems_held(c, needed))
			return -ESTALE;
		if (n && waits && (needed || put_leads(c))) {
			r = begin_patiently(c, f, &deadline);
			waits = r != -ETIMEDOUT;
			r = waits ? r : -EBUSY;
			continue;
		}
		if (n) {
			(void)flight_consult(c, rob_there);
			event = rob(c, needed, !waits);
		}
		if (event && needed) /* PUT-3 */
			needed = &none;
		r = flight_begin(c, f);
		if (event) /* PUT-2 */
			event_wake(c->self->map, event, true);
	}
	if (r != SFSHM_LEADER || holds(c->self, f->slot, f->ctl, needed))
		return r;
	(void)flight_release(f, c->self);
	return -ESTALE;
}
