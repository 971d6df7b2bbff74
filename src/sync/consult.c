/* SPDX-License-Identifier: MIT */
#include "sync/consult.h"

#include <errno.h>
#include <pthread.h>

#include "sync/leader.h"

/* Makes the same call in `old`, the segment that this one replaces. */
static int ask(struct call *c, struct mapping *old, int (*how)(struct call *c))
{
	struct call asked = {
		.policy = c->policy,
		.flags = c->flags,
		.lease_or_rank = c->lease_or_rank,
		.result = c->result,
		.closing = c->closing,
		.closing_seen = c->closing_seen,
		.wait.deadline = c->wait.deadline,
		.wait.waited = c->wait.waited,
		.also = c->also,
		.park = c->park,
		.own_is_busy = c->own_is_busy,
		.shares = c->shares,
		.settles = c->settles,
		.settle_ms = c->settle_ms,
		.resize.asker = c,
		.resize.follows = !call_may_lead(c),
	};
	int r;

	c->self->inside++;
	r = peer_attach(old, &asked.self);
	if (!r) {
		asked.key = key_make(old, key_kind(&c->key), c->key.data,
				     c->key.len);
		asked.flags |= SFSHM_FOLLOW;
		/* A removed file's values are gone: only its flights count. */
		if (removal_known(old)) {
			asked.flags |= SFSHM_REFRESH;
			asked.settles = false;
		}
		call_resume(&asked);
		r = how(&asked);
		c->wait.waited |= asked.wait.waited;
		c->wait.deadline = asked.wait.deadline;
	}
	c->self->inside--;
	return r;
}

static on_any_stack void put_mapping(void *map)
{
	mapping_put(map);
}

/*
 * A flight that began in the predecessor ends there. So before a caller leads a
 * key here, it takes the key's value from there, or waits for the key's flight
 * there. No flight begins there any more, because each process sets the
 * predecessor's `moved` when it maps this segment; at most a follower there
 * takes over a dead leader's flight (SUCCESSION-2).
 *
 * ORDER-M1 pairs ORDER-M2
 * A process sets `moved`, and its callers here look for a flight there after
 * that; a leader there claims a flight, and then looks at `moved`.
 */
/* glibc's macros nest deeply. NOLINTNEXTLINE(readability-function-size) */
int flight_consult(struct call *c, int (*how)(struct call *c))
{
	struct mapping *old = mapping_predecessor(c->self->map);
	int r;

	if (likely(!old))
		return -ENODATA;
	fence_seq();
	pthread_cleanup_push(put_mapping, old);
	r = ask(c, old, how);
	pthread_cleanup_pop(1);
	return r;
}
