/* SPDX-License-Identifier: MIT */
/* What a call asks for: every part of a policy, at random. */
#include <inttypes.h>
#include <stdio.h>

#include <sfshm.h>

#include "board.h"
#include "os/atomics.h"

#define WAIT_MS 200

struct sfshm_cancel policy_token;

static int fresh(const struct sfshm_result *result, void *key)
{
	(void)result;
	(void)key;
	return random_below(20) != 0;
}

/* It must never be asked about another key's value. */
static int fits(const struct sfshm_result *result, void *key)
{
	const uint32_t *mine = key;
	struct stamp stamp;

	if (value_look(result->value.data, result->value.len, *mine, &stamp))
		violation("key %" PRIu32
			  ": `fits` is asked about a wrong value",
			  *mine);
	return 1;
}

static void choose_token(struct sfshm_policy *p)
{
	if (random_below(10))
		return;
	sfshm_cancel_reset(&policy_token);
	p->cancel = &policy_token;
	if (random_below(2))
		p->flags |= SFSHM_CANCEL_FIRST;
	if (random_below(2))
		sfshm_cancel_fire(&policy_token);
}

static void choose_claim(struct sfshm_policy *p, uint32_t key)
{
	static const char claims[CLAIMS] = { 'k', 'l', 'm', 'n' };

	if (CLAIMED(key)) {
		p->claim_key = &claims[CLAIM_OF(key)];
		p->claim_key_len = 1;
	} else if (random_below(8) == 0) {
		/* A refresh that is early does not wait for the claim. */
		p->beta = 1;
	}
}

static void choose_flags(struct sfshm_policy *p)
{
	static const uint32_t one_of[] = { SFSHM_TRY, SFSHM_REFRESH,
					   SFSHM_FOLLOW };
	static const uint32_t any_of[] = { SFSHM_KEEP, SFSHM_STALE_ON_TIMEOUT,
					   SFSHM_RETRY_ON_FAILURE,
					   SFSHM_FAIL_IF_LOST };
	uint32_t dice = random_below(20);

	p->flags = dice < 3 ? one_of[dice] : 0;
	for (size_t i = 0; i < sizeof(any_of) / sizeof(any_of[0]); i++)
		if (random_below(8) == 0)
			p->flags |= any_of[i];
}

void policy_choose(struct sfshm_policy *p, uint32_t *key, uint32_t ttl_ms)
{
	*p = (struct sfshm_policy)SFSHM_POLICY_INIT;
	choose_flags(p);
	p->arg = key;
	p->ttl_ms = ttl_ms;
	p->neg_ttl_ms = random_below(2) ? random_below(30) : 0;
	p->lock_age_ms = LEASED(*key) ? LEASE_MS : 0;
	p->deadline_ns = random_below(10) ? sfshm_deadline_ms(WAIT_MS) : 0;
	p->wait_timeout_ms = random_below(8) ? 0 : WAIT_MS / 2;
	p->grace_ms = random_below(4) ? 0 : random_below(100);
	p->stale_if_error_ms = random_below(4) ? 0 : random_below(100);
	p->max_waiters = random_below(8) ? 0 : 1 + random_below(3);
	if (random_below(8) == 0) {
		p->breaker_deaths = 1 + random_below(3);
		p->breaker_ms = 1 + random_below(30);
	}
	p->fresh = random_below(8) ? NULL : fresh;
	p->fits = random_below(4) ? NULL : fits;
	choose_claim(p, *key);
	choose_token(p);
}

bool policy_takes_stale(const struct sfshm_policy *p)
{
	return p->grace_ms || p->stale_if_error_ms ||
	       (p->flags & SFSHM_STALE_ON_TIMEOUT);
}

/* A call that never leads found nothing, and nobody who leads. */
bool is_nothing(int r)
{
	return r == -ENODATA || r == -ESRCH || r == -EOWNERDEAD;
}

bool policy_lets_say(const struct sfshm_policy *p, int r)
{
	switch (r) {
	case -ETIMEDOUT: count(TALLY_timeouts); return true;
	case -ENOSPC: count(TALLY_no_room); return true;
	case -ECANCELED: count(TALLY_cancelled); return p->cancel;
	case -EBUSY: return p->flags & SFSHM_TRY;
	case -EAGAIN: count(TALLY_crowded); return p->max_waiters;
	case -EHOSTDOWN: count(TALLY_broken); return p->breaker_deaths;
	default: return is_nothing(r) && (p->flags & SFSHM_FOLLOW);
	}
}
