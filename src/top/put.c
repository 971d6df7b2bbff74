/* SPDX-License-Identifier: MIT */
/* The public calls that store a value for a key that another may lead. */
#include <sfshm/put.h>

#include <errno.h>

#include "top/call.h"

/* Does flight_take() in the newest segment of that name. */
static int take(struct sfshm *h, const void *key, size_t len,
		const struct sfshm_policy *policy, struct flight *f,
		const uint64_t *needed)
{
	struct sfshm_result none = SFSHM_RESULT_INIT;
	const struct sfshm_policy lead = {
		.size = sizeof(lead),
		.flags = SFSHM_TRY | SFSHM_REFRESH | SFSHM_KEEP,
		.ttl_ms = policy->ttl_ms,
	};
	struct call c;
	int r;

	do {
		r = call_start(&c, h, SHM_VALUE, key, len, policy, &none);
		if (r)
			return r;
		c.policy = &lead;
		c.flags = lead.flags;
		c.lease_or_rank = 0;
		r = flight_take(&c, f, needed);
	} while (r == MOVED);
	return r;
}

/*
 * Removes the key after the put failed with `why`, because any value that the
 * key still has is older. Returns `why`. If the removal fails, too, returns its
 * error; the key may then still have an older value.
 */
static int drop_older(struct sfshm *h, const void *key, size_t len, int why)
{
	int r = sfshm_invalidate(h, key, len, SFSHM_HARD);

	return r && r != -ENODATA ? r : why;
}

static int put(struct sfshm *h, const void *key, size_t key_len,
	       const struct sfshm_policy *policy, const void *data, size_t len,
	       const uint64_t *needed)
{
	struct sfshm_flight flight = SFSHM_FLIGHT_INIT;
	struct sfshm_policy own;
	int r = sized_adopt(&policy, &own);

	if (!r && len && !data)
		r = -EINVAL;
	if (r)
		return r;
	policy = policy ? policy : &call_no_policy;
	r = take(h, key, key_len, policy, flight_of(&flight), needed);
	if (r == SFSHM_LEADER) {
		sfshm_flight_keep(&flight, call_keep_ms(policy));
		r = sfshm_publish(&flight, data, len);
		sfshm_flight_cleanup(&flight);
	}
	return r == -EMSGSIZE || r == -ENOSPC ? drop_older(h, key, key_len, r) :
						r;
}

int sfshm_put(struct sfshm *h, const void *key, size_t key_len,
	      const struct sfshm_policy *policy, const void *data, size_t len)
{
	return put(h, key, key_len, policy, data, len, NULL);
}

int sfshm_put_if(struct sfshm *h, const void *key, size_t key_len,
		 const struct sfshm_policy *policy, const void *data,
		 size_t len, uint64_t generation)
{
	return put(h, key, key_len, policy, data, len, &generation);
}
