/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "peer/wait.h"
#include "sync/flight.h"

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
