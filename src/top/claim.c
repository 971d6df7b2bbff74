/* SPDX-License-Identifier: MIT */
/*
 * Claims: callers coordinate on another key than the value's. The caller leads
 * a flight on the claim key. That flight is taken over like any other, and
 * never has a result. While the caller has it, the caller leads a second flight
 * on the value's key.
 */
#include <errno.h>

#include "top/call.h"

struct claimed {
	struct flight flight, claim;
} overlay;
OVERLAY_FITS(struct claimed, struct sfshm_flight);

static struct claimed *claimed_of(const struct flight *f)
{
	return (struct claimed *)(uintptr_t)f;
}

/* The part of the caller's policy that concerns the wait for the claim. */
static struct sfshm_policy waiting(const struct sfshm_policy *policy,
				   uint32_t flags)
{
	struct sfshm_policy own = {
		.size = sizeof(own),
		.flags = flags & SFSHM_TRY,
		.max_waiters = policy->max_waiters,
		.deadline_ns = policy->deadline_ns,
		.cancel = policy->cancel,
		.lock_age_ms = policy->lock_age_ms,
		.breaker_deaths = policy->breaker_deaths,
		.breaker_ms = policy->breaker_ms,
	};

	return own;
}

/* Gives both waits together one deadline. */
static void one_deadline(struct sfshm_policy *p)
{
	uint64_t end = 0;

	if (p->wait_timeout_ms)
		end = sfshm_deadline_ms(p->wait_timeout_ms);
	p->wait_timeout_ms = 0;
	if (end && (!p->deadline_ns || end < p->deadline_ns))
		p->deadline_ns = end;
}

/* Looks again under the claim: another caller may have made the value. */
static int lead_claimed(struct sfshm *h, const void *key, size_t len,
			const struct sfshm_policy *policy, struct claimed *two,
			struct sfshm_result *result)
{
	bool owner_died = result->owner_died;
	int r = call_begin(h, SHM_VALUE, key, len, policy, &two->flight,
			   result);

	two->flight.has_claim = true;
	if (r == SFSHM_LEADER) {
		result->owner_died |= owner_died;
		return r;
	}
	claim_end(&two->flight);
	if (r == SFSHM_CACHED) {
		result->source = SFSHM_AWAITED;
		r = SFSHM_AWAITED;
	}
	return r;
}

int claim_begin(struct sfshm *h, const void *key, size_t len,
		const struct sfshm_policy *policy, struct flight *f,
		struct sfshm_result *result)
{
	struct claimed *two = claimed_of(f);
	struct sfshm_result none = SFSHM_RESULT_INIT;
	struct sfshm_policy own = *policy, wait;
	int r;

	own.claim_key = NULL;
	own.flags |= SFSHM_FOLLOW | SFSHM_TRY;
	r = call_begin(h, SHM_VALUE, key, len, &own, f, result);
	if ((r != -ENODATA && r != -ESRCH && r != -EOWNERDEAD && r != -EBUSY) ||
	    policy->flags & SFSHM_FOLLOW)
		return r;
	one_deadline(&own);
	wait = waiting(&own, policy->flags);
	r = call_begin(h, SHM_CLAIM, policy->claim_key, policy->claim_key_len,
		       &wait, &two->claim, &none);
	own.flags = policy->flags;
	if (r == -ETIMEDOUT && own.flags & SFSHM_STALE_ON_TIMEOUT)
		return call_settle_for_old(h, key, len, &own, result);
	if (r != SFSHM_LEADER)
		return r;
	result->owner_died = none.owner_died;
	return lead_claimed(h, key, len, &own, two, result);
}

struct flight *claim_of(const struct flight *f)
{
	return load_relaxed(&f->has_claim) ? &claimed_of(f)->claim : NULL;
}

void claim_end(struct flight *f)
{
	struct flight *claim = &claimed_of(f)->claim;
	struct peer *p = claim->map ? peer_of(claim->life) : NULL;

	store_relaxed(&f->has_claim, false);
	if (p || claim->alone)
		(void)flight_release(claim, p);
}
