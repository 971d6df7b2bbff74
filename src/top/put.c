/* SPDX-License-Identifier: MIT */
/* The public calls that store a value even if another caller leads the key. */
#include <sfshm/put.h>
#include <sfshm/tag.h>

#include <errno.h>

#include "top/call.h"

/* Does flight_take() in the newest segment of the handle's name. */
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
	sfshm_result_clear(&none);
	return r;
}

/*
 * The put has failed with `why`, and the key may still have the value that the
 * put was to replace: removes the key. A value that another caller has
 * published meanwhile goes, too. Returns `why`; or, if the removal fails as
 * well, its error: the key may then still have the older value.
 */
static int drop_older(struct sfshm *h, const void *key, size_t len, int why)
{
	int r = sfshm_invalidate(h, key, len, SFSHM_HARD);

	return r && r != -ENODATA ? r : why;
}

/* A value, and the names of its tags. */
struct goods {
	const void *data;
	size_t len;
	const struct iovec *names;
	int count;
};

static bool names_are_valid(const struct iovec *names, int count)
{
	if (count < 0 || count > SFSHM_TAGS_MAX || (count && !names))
		return false;
	for (int i = 0; i < count; i++)
		if (!names[i].iov_base || !names[i].iov_len)
			return false;
	return true;
}

/* Ends the put's flight with the value. */
static int deliver(struct sfshm_flight *flight, const struct goods *goods)
{
	int r = 0;

	for (int i = 0; !r && i < goods->count; i++)
		r = sfshm_flight_tag(flight, goods->names[i].iov_base,
				     goods->names[i].iov_len);
	if (!r)
		r = sfshm_publish(flight, goods->data, goods->len);
	sfshm_flight_cleanup(flight);
	return r;
}

static int put(struct sfshm *h, const void *key, size_t key_len,
	       const struct sfshm_policy *policy, const struct goods *goods,
	       const uint64_t *needed)
{
	struct sfshm_flight flight = SFSHM_FLIGHT_INIT;
	struct sfshm_policy own;
	int r = sized_adopt(&policy, &own);

	if (!r && ((goods->len && !goods->data) ||
		   !names_are_valid(goods->names, goods->count)))
		r = -EINVAL;
	if (r)
		return r;
	policy = policy ? policy : &call_no_policy;
	r = take(h, key, key_len, policy, flight_of(&flight), needed);
	if (r == SFSHM_LEADER) {
		flight_of(&flight)->given = true;
		sfshm_flight_keep(&flight, call_keep_ms(policy));
		r = deliver(&flight, goods);
	}
	return r == -EMSGSIZE || r == -ENOSPC ? drop_older(h, key, key_len, r) :
						r;
}

int sfshm_put(struct sfshm *h, const void *key, size_t key_len,
	      const struct sfshm_policy *policy, const void *data, size_t len)
{
	const struct goods goods = { .data = data, .len = len };

	return put(h, key, key_len, policy, &goods, NULL);
}

int sfshm_put_if(struct sfshm *h, const void *key, size_t key_len,
		 const struct sfshm_policy *policy, const void *data,
		 size_t len, uint64_t generation)
{
	const struct goods goods = { .data = data, .len = len };

	return put(h, key, key_len, policy, &goods, &generation);
}

int sfshm_put_tagged(struct sfshm *h, const void *key, size_t key_len,
		     const struct sfshm_policy *policy, const void *data,
		     size_t len, const struct iovec *tags, int count)
{
	const struct goods goods = { data, len, tags, count };

	return put(h, key, key_len, policy, &goods, NULL);
}
