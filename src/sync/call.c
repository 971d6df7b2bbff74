/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "peer/wait.h"
#include "sync/flight.h"
#include "sync/result.h"

int call_given_up(struct call *c, uint64_t now)
{
	const struct sfshm_policy *pol = c->policy;

	if (c->also && load_acquire(c->also->word) != c->also->seen)
		return AGAIN;
	if (load_acquire(c->closing) != c->closing_seen)
		return -ESHUTDOWN;
	if (pol->cancel && load_acquire(&pol->cancel->word)) {
		peer_count(c->self, COUNT_cancels);
		return -ECANCELED;
	}
	if (c->wait.deadline && now >= c->wait.deadline) {
		peer_count(c->self, COUNT_timeouts);
		return -ETIMEDOUT;
	}
	return 0;
}

/*
 * A check of the policy has rejected this value, and with it each older one.
 * COUNT_misfits: these values do not serve at all. COUNT_refused: they do not
 * serve as fresh ones. Empties the result.
 */
static enum step refuse(struct call *c, enum shm_counter why)
{
	peer_count(c->self, why);
	c->refused = c->result->generation;
	if (why == COUNT_misfits)
		c->misfit = c->refused;
	result_empty(c->result);
	return STEP_AGAIN;
}

on_waking enum step flight_answer(struct call *c)
{
	const struct sfshm_policy *pol = c->policy;

	if (unlikely(pol->fits && !pol->fits(c->result, pol->arg)))
		return refuse(c, COUNT_misfits);
	if (unlikely(pol->fresh && !c->result->stale &&
		     !pol->fresh(c->result, pol->arg)))
		return refuse(c, COUNT_refused);
	peer_count(c->self, c->result->stale ? COUNT_stale_hits :
			    c->wait.waited   ? COUNT_loads_deduped :
					       COUNT_hits);
	return call_answer(c, c->result->source);
}
