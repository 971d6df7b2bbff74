/* SPDX-License-Identifier: MIT */
#include "sync/claim.h"

#include <errno.h>

#include "os/sys.h"
#include "peer/wait.h"

struct claimed {
	struct flight flight, claim;
} overlay;
OVERLAY_FITS(struct claimed, struct sfshm_flight);

struct flight *claim_place(const struct flight *f)
{
	return &((struct claimed *)(uintptr_t)f)->claim;
}

/*
 * Begins a flight on the claim key, within this call's deadline. AGAIN: the
 * word `also` has changed during the wait.
 */
static int ask(struct call *c, uint32_t flags, const struct wait_word *also)
{
	const struct sfshm_policy *pol = c->policy;
	/* No breaker: the key itself counts its leaders' deaths. */
	const struct sfshm_policy own = {
		.size = sizeof(own),
		.wait_timeout_ms = pol->wait_timeout_ms,
		.deadline_ns = pol->deadline_ns,
		.max_waiters = pol->max_waiters,
		.cancel = pol->cancel,
		.interrupted = pol->interrupted,
		.arg = pol->arg,
		.task = pol->task,
	};
	struct sfshm_result none = SFSHM_RESULT_INIT;
	struct call claim = {
		.self = c->self,
		.key = key_make(c->self->map, SHM_CLAIM, pol->claim_key,
				pol->claim_key_len),
		.result = &none,
		.policy = &own,
		.closing = c->closing,
		.closing_seen = c->closing_seen,
		.flags = flags | (c->flags & SFSHM_INTR),
		.lease_or_rank = c->lease_or_rank,
		.also = also,
		.wait.deadline = c->wait.deadline,
		.wait.waited = c->wait.waited,
	};
	int r = c->claim.begin(&claim, c->claim.flight);

	c->wait.deadline = claim.wait.deadline;
	c->wait.slept += claim.wait.slept;
	c->claim.held = r == SFSHM_LEADER;
	/*
	 * A result that the key has got meanwhile is one that the caller has
	 * waited for.
	 */
	c->wait.waited = claim.wait.waited || c->claim.held;
	c->claim.owner_died = c->claim.held && none.owner_died;
	return r;
}

/* CLAIM-3: waits for the claim, or for a change of the key. */
static int await(struct call *c, const struct sighting *seen)
{
	struct shm_slot *s = &c->self->map->slots[seen->slot];
	uint32_t *event = &c->self->map->cold[seen->slot].event;
	struct wait_word also = { .word = event };
	int r = call_given_up(c, sys.now());

	if (r)
		return r;
	also.seen = event_arm_all(event);
	/* Makes the evictor spare the slot, which may have no value
	   (PROBATION-T9). */
	store_relaxed(&s->recent, 1);
	if (load_seq(&s->ctl) == seen->ctl)
		return ask(c, 0, &also);
	/* Take the announcement back, or it would count as a follower's. */
	event_wake(c->self->map, event, true);
	return AGAIN;
}

enum step claim_wait(struct call *c, const struct sighting *seen)
{
	int r;

	/* From here on the caller does not wait for its own key. */
	wait_unnote(c->self->record);
	/* CLAIM-3 */
	call_join(c, seen->slot,
		  ctl_gen(seen->ctl) +
			  (ctl_busy(seen->ctl) ? ctl_invalid(seen->ctl) : 1));
	r = ask(c, SFSHM_TRY, NULL);
	if (r == -EBUSY && !c->claim.busy) {
		/*
		 * Instead of waiting, the call may take the stale value that it
		 * was about to renew.
		 */
		c->claim.busy = true;
		return STEP_AGAIN;
	}
	if (r == -EBUSY && !(c->flags & SFSHM_TRY))
		r = await(c, seen);
	switch (r) {
	case SFSHM_LEADER: return STEP_LEAD;
	case AGAIN: return STEP_AGAIN;
	case MOVED: return STEP_MOVED;
	default: return call_answer(c, r);
	}
}

void claim_drop(struct call *c)
{
	if (likely(!c->claim.held))
		return;
	c->claim.held = false;
	c->claim.owner_died = false;
	(void)flight_release(c->claim.flight, c->self);
}

struct flight *claim_of(const struct flight *f)
{
	return load_relaxed(&f->has_claim) ? claim_place(f) : NULL;
}

void claim_end(struct flight *f, struct peer *p)
{
	store_relaxed(&f->has_claim, false);
	(void)flight_release(claim_place(f), p);
}
