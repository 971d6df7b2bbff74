/* SPDX-License-Identifier: MIT */
/* The end of a call's wait for another caller's flight or lock. */
#include <errno.h>

#include "os/sys.h"
#include "store/history.h"
#include "store/times.h"
#include "sync/follow.h"
#include "sync/shared.h"

/*
 * The slot at which the call last waited. HISTORY_NO_SLOT: the call was never
 * among its key's waiters, because too many waited, or it waited for a claim.
 */
static uint32_t waited_at(const struct call *c)
{
	const struct shm_desk *cold = c->self->map->cold;
	size_t at;

	if (!c->wait.event)
		return c->park ? c->park->slot : HISTORY_NO_SLOT;
	at = (size_t)((const uint8_t *)c->wait.event - (const uint8_t *)cold);
	return (uint32_t)(at / sizeof(*cold));
}

/*
 * Counts how long the call has waited, and notes the end of the wait, unless
 * the wait goes on: polled by the process, in another segment, or in the
 * caller's next try.
 */
static void count_wait(struct call *c, enum step step)
{
	struct shm_participant *rec = c->self->record;
	bool leads = step == STEP_LEAD || c->answer == LOCK_TAKEN_SHARED;
	bool answered = c->answer >= 0 || c->answer == -ENOENT ||
			c->answer == -EREMOTEIO;
	uint64_t now, ns;

	if (step != STEP_LEAD && (step != STEP_ANSWER || c->answer == AGAIN ||
				  c->answer == -EINPROGRESS))
		return;
	now = sys.coarse();
	ns = now > c->wait.since ? now - c->wait.since : 0;
	times_add(&rec->waited, ns);
	history_flight(rec,
		       leads    ? EVENT_led :
		       answered ? EVENT_awaited :
				  EVENT_gave_up,
		       c->wait.joined & HISTORY_GEN, waited_at(c),
		       key_order(&c->key), now, ns);
}

/*
 * A caller that leaves without leading may have had the only wake that a
 * release gives, so it passes a wake on. If it dies after that, no other waiter
 * needs to be woken (WAIT-3).
 */
void flight_unfollow(struct call *c, enum step step)
{
	if (unlikely(c->wait.since))
		count_wait(c, step);
	if (!c->wait.event)
		return;
	if (step != STEP_LEAD)
		event_wake(c->self->map, c->wait.event, false);
	wait_done();
}
