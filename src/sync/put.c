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
 *  PUT-3. A conditional put decides by a value that nobody can replace
 *      meanwhile: as the key's leader, or by the CAS that robs the leader from
 *      the word with which it saw the value. After that there is no value.
 *
 * In the predecessor of a segment nobody leads any more, so the followers there
 * are woken at once.
 */
#include <errno.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/wait.h"
#include "sync/consult.h"

/* Each try that fails means that another caller came first. */
#define MOST_TRIES 1000

/*
 * Whether the slot, seen as `ctl`, has the value of the generation `needed`; 0:
 * no fresh value; NULL: anything will do.
 */
static bool holds(struct peer *p, uint32_t slot, uint64_t ctl,
		  const uint64_t *needed)
{
	struct field f = slot_value(p->map, slot, ctl);

	if (!needed)
		return true;
	if (!*needed)
		return !ctl_has(ctl) ||
		       !front_fresh(f.front, peer_clock(p, sys.coarse()));
	return ctl_has(ctl) && look_generation(f, ctl) == *needed;
}

/* Whether a conditional put may still succeed, before it changes anything. */
static bool seems_held(struct call *c, const uint64_t *needed)
{
	struct sighting seen;

	if (!needed || flight_find(c, &seen) != 1)
		return !needed || !*needed;
	return holds(c->self, seen.slot, seen.ctl, needed);
}

/*
 * PUT-1: takes the key from the leader that this segment has for it. Returns
 * the word that the leader's followers sleep on, or NULL: nothing was taken.
 */
static uint32_t *rob(struct call *c, const uint64_t *needed)
{
	struct sighting seen;

	if (flight_find(c, &seen) != 1 || !ctl_busy(seen.ctl) ||
	    ctl_owner(seen.ctl) == c->self->id ||
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
		event_wake(event, true);
	return -ENODATA;
}

int flight_take(struct call *c, struct flight *f, const uint64_t *needed)
{
	static const uint64_t none = 0;
	const struct call asked = *c;
	int r = -EBUSY;

	if (needed && load_relaxed(&c->self->map->predecessor))
		return -EBUSY;
	for (int n = 0; r == -EBUSY && n < MOST_TRIES; n++) {
		uint32_t *event = NULL;

		*c = asked;
		if (!seems_held(c, needed))
			return -ESTALE;
		if (n) {
			(void)flight_consult(c, rob_there);
			event = rob(c, needed);
		}
		if (event && needed) /* PUT-3 */
			needed = &none;
		r = flight_begin(c, f);
		if (event) /* PUT-2 */
			event_wake(event, true);
	}
	if (r != SFSHM_LEADER || holds(c->self, f->slot, f->ctl, needed))
		return r;
	(void)flight_release(f, c->self);
	return -ESTALE;
}
