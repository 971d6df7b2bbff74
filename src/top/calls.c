/* SPDX-License-Identifier: MIT */
/* The public calls on keys and flights: check the arguments, find the peer. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "sync/flight.h"
#include "top/call.h"

#define ALL_FLAGS (SFSHM_TRY | SFSHM_FOLLOW | SFSHM_REFRESH)

static const struct sfshm_policy no_policy = SFSHM_POLICY_INIT;

int call_start(struct call *c, struct sfshm *h, const void *key, size_t len,
	       const struct sfshm_policy *policy, struct sfshm_result *result)
{
	int r;

	if (!key || !len || !result || result->size != sizeof(*result) ||
	    (policy && (policy->size != sizeof(*policy) ||
			policy->flags & ~(uint32_t)ALL_FLAGS)))
		return -EINVAL;
	if (len > SFSHM_KEY_MAX)
		return -ENAMETOOLONG;
	*c = (struct call){ 0 };
	/* Before the handle's mapping: a close after this is not missed. */
	c->closing = h ? &h->closing : NULL;
	c->closing_seen = h ? load_acquire(c->closing) : 0;
	r = handle_enter(h, &c->self);
	if (!r && unlikely(handle_moved(c->self->map)))
		r = handle_follow(h, &c->self);
	if (r)
		return r;
	c->key = key_make(c->self->map, key, len);
	c->policy = policy ? policy : &no_policy;
	c->flags = c->policy->flags;
	c->result = result;
	return 0;
}

int sfshm_begin(struct sfshm *h, const void *key, size_t key_len,
		const struct sfshm_policy *policy, struct sfshm_flight *flight,
		struct sfshm_result *result)
{
	struct call c;
	uint64_t slept = 0;
	int r;

	if (!flight)
		return -EINVAL;
	((struct flight *)flight)->map = NULL;
	do {
		r = call_start(&c, h, key, key_len, policy, result);
		if (r)
			return r;
		c.slept = slept;
		r = flight_begin(&c, (struct flight *)flight);
		slept = c.slept;
	} while (r == MOVED);
	return r;
}

int sfshm_get(struct sfshm *h, const void *key, size_t key_len,
	      struct sfshm_result *result)
{
	struct call c;
	int r;

	do {
		r = call_start(&c, h, key, key_len, NULL, result);
		if (likely(!r))
			r = flight_peek(&c, NULL);
	} while (unlikely(r == MOVED));
	return r;
}

int sfshm_wait(struct sfshm *h, const void *key, size_t key_len,
	       const struct sfshm_policy *policy, struct sfshm_result *result)
{
	struct call c;
	int r;

	do {
		r = call_start(&c, h, key, key_len, policy, result);
		if (r)
			return r;
		c.flags |= SFSHM_FOLLOW;
		r = flight_begin(&c, NULL);
	} while (r == MOVED);
	return r;
}

/* The peer that leads a flight: this thread, attached to its segment. */
static int leader(struct flight *f, struct peer **out)
{
	if (!f)
		return -EINVAL;
	if (!f->map)
		return -ESTALE;
	if (f->cookie != process_cookie())
		return -ECHILD;
	*out = peer_attached(f->map, f->serial);
	return *out ? 0 : -EPERM;
}

int sfshm_publishv(struct sfshm_flight *flight, const struct iovec *iov,
		   int count)
{
	struct peer *p;
	int r = leader((struct flight *)flight, &p);

	return r ? r : flight_publish((struct flight *)flight, p, iov, count);
}

int sfshm_publish(struct sfshm_flight *flight, const void *data, size_t len)
{
	struct iovec iov = {
		.iov_base = (void *)(uintptr_t)data,
		.iov_len = len,
	};

	if (len && !data)
		return -EINVAL;
	return sfshm_publishv(flight, &iov, 1);
}

int sfshm_fail(struct sfshm_flight *flight, int code, const char *message)
{
	struct peer *p;
	int r = leader((struct flight *)flight, &p);

	return r ? r : flight_fail((struct flight *)flight, p, code, message);
}

int sfshm_release(struct sfshm_flight *flight)
{
	struct peer *p;
	int r = leader((struct flight *)flight, &p);

	return r ? r : flight_release((struct flight *)flight, p);
}

void sfshm_flight_ttl(struct sfshm_flight *flight, uint32_t ttl_ms,
		      uint32_t neg_ttl_ms)
{
	struct flight *f = (struct flight *)flight;

	f->ttl_ms = ttl_ms;
	f->neg_ttl_ms = neg_ttl_ms;
}

uint64_t sfshm_flight_generation(const struct sfshm_flight *flight)
{
	return ctl_gen(((const struct flight *)flight)->ctl);
}

uint32_t sfshm_flight_waiters(const struct sfshm_flight *flight)
{
	const struct flight *f = (const struct flight *)flight;

	if (!f->map || !peer_attached(f->map, f->serial))
		return 0;
	return flight_waiters(f->map, f->slot);
}

int sfshm_forget(struct sfshm *h, const void *key, size_t key_len)
{
	struct sfshm_result none = SFSHM_RESULT_INIT;
	struct call c;
	int r;

	do {
		r = call_start(&c, h, key, key_len, NULL, &none);
		if (!r)
			r = flight_forget(&c, NULL);
	} while (r == MOVED);
	return r;
}

int sfshm_purge(struct sfshm *h)
{
	struct peer *p;
	int n = 0, r;

	do {
		r = handle_enter(h, &p);
		if (!r && handle_moved(p->map))
			r = handle_follow(h, &p);
		if (!r)
			r = flight_purge(p);
		if (r > 0)
			n += r < INT_MAX - n ? r : INT_MAX - n;
	} while (r >= 0 && handle_moved(p->map));
	return r < 0 ? r : n;
}

void sfshm_result_clear(struct sfshm_result *result)
{
	if (!result)
		return;
	free(result->value.data);
	*result = (struct sfshm_result)SFSHM_RESULT_INIT;
}
