/* SPDX-License-Identifier: MIT */
/* What a call asks for, at random. */
#include "worker.h"

/* Chooses options that are used less. */
static void choose_more(struct sfshm_policy *p)
{
	static const uint32_t flags[] = { SFSHM_STALE_ON_TIMEOUT,
					  SFSHM_RETRY_ON_FAILURE,
					  SFSHM_FAIL_IF_LOST, SFSHM_KEEP };
	static struct sfshm_cancel fired;

	sfshm_cancel_fire(&fired);
	switch (random_below(24)) {
	case 0: p->grace_ms = random_below(50); break;
	case 1: p->stale_if_error_ms = random_below(50); break;
	case 2: p->max_waiters = 1 + random_below(4); break;
	case 3:
		p->breaker_deaths = 1 + random_below(3);
		p->breaker_ms = 1 + random_below(10);
		break;
	case 4: p->cancel = &fired; break;
	case 5: p->beta = 1; break;
	default: break;
	}
	p->flags |= random_below(8) ? 0 : flags[random_below(4)];
}

void choose_policy(struct sfshm_policy *p, uint32_t key)
{
	static const uint32_t lives[] = { 0, 1, 5, 100, SFSHM_FOREVER };

	*p = (struct sfshm_policy)SFSHM_POLICY_INIT;
	p->ttl_ms = lives[random_below(5)];
	p->neg_ttl_ms = random_below(3);
	p->lock_age_ms = key_has_age(key) ? STORM_LOCK_AGE_MS : 0;
	p->deadline_ns = clock_ns() + 2 * storm->bound_ns;
	if (random_below(4) == 0)
		p->flags |= SFSHM_REFRESH;
	if (random_below(10) == 0)
		p->flags |= SFSHM_TRY;
	if (random_below(10) == 0)
		p->flags |= SFSHM_FOLLOW;
	choose_more(p);
}
