/* SPDX-License-Identifier: MIT */
/* The public calls on keys: check the arguments, find the peer. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sync/fast.h"
#include "sync/flight.h"
#include "top/call.h"

#define ALL_FLAGS                                                \
	(SFSHM_TRY | SFSHM_FOLLOW | SFSHM_REFRESH | SFSHM_KEEP | \
	 SFSHM_STALE_ON_TIMEOUT | SFSHM_RETRY_ON_FAILURE | SFSHM_LOCAL)

static const struct sfshm_policy no_policy = SFSHM_POLICY_INIT;

int call_start(struct call *c, struct sfshm *h, enum shm_kind kind,
	       const void *key, size_t len, const struct sfshm_policy *policy,
	       struct sfshm_result *result)
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
	if (!r)
		handle_look_if_due(c->self->map);
	if (!r && unlikely(handle_moved(c->self->map)))
		r = handle_follow(h, &c->self);
	if (r)
		return r;
	c->key = key_make(c->self->map, kind, key, len);
	c->policy = policy ? policy : &no_policy;
	c->flags = c->policy->flags;
	c->lease_ms = c->policy->lock_age_ms;
	c->result = result;
	return 0;
}

/* Nothing is wrong with the arguments, and the key has room in its slot. */
static in_line bool usual(const struct sfshm *h, const void *key, size_t len,
			  const struct sfshm_result *result)
{
	return h && key && len - 1 < SHM_INLINE_KEY && result &&
	       result->size == sizeof(*result);
}

/* This thread's peer and the key, if there is nothing to be done for them. */
static inline struct peer *at_once(struct sfshm *h, enum shm_kind kind,
				   const void *key, size_t len,
				   const struct sfshm_result *result,
				   struct key *k)
{
	struct peer *p;

	if (unlikely(!usual(h, key, len, result)))
		return NULL;
	p = peer_if_current(load_acquire(&h->map));
	if (unlikely(!p))
		return NULL;
	*k = key_make(p->map, kind, key, len);
	return p;
}

/*
 * The policy asks for nothing but lifetimes, and perhaps a refresh: what it
 * must not have is all 0, told in one go.
 */
static in_line bool plain(const struct sfshm_policy *policy)
{
	const uint32_t harmless = SFSHM_KEEP | SFSHM_REFRESH | SFSHM_TRY;
	uint64_t beta;

	memcpy(&beta, &policy->beta, sizeof(beta));
	return policy->size == sizeof(*policy) &&
	       !((policy->flags & ~harmless) | beta | (uintptr_t)policy->fresh |
		 (uintptr_t)policy->fits | (uintptr_t)policy->claim_key);
}

static in_line int begin_at_once(struct sfshm *h, const void *key, size_t len,
				 const struct sfshm_policy *policy,
				 struct flight *f, struct sfshm_result *result)
{
	struct peer *p;
	struct key k;

	policy = policy ? policy : &no_policy;
	if (unlikely(!plain(policy)))
		return AGAIN;
	p = at_once(h, SHM_VALUE, key, len, result, &k);
	return likely(p) ? fast_begin(p, &k, policy, f, result) : AGAIN;
}

int call_begin(struct sfshm *h, enum shm_kind kind, const void *key, size_t len,
	       const struct sfshm_policy *policy, struct flight *f,
	       struct sfshm_result *result)
{
	uint64_t deadline = 0;
	bool waited = false;
	struct call c;
	int r;

	f->map = NULL;
	f->alone = false;
	f->claims = false;
	do {
		r = call_start(&c, h, kind, key, len, policy, result);
		if (r)
			return r;
		c.waited = waited;
		c.deadline = deadline;
		r = flight_begin(&c, f);
		waited = c.waited;
		deadline = c.deadline;
	} while (r == MOVED);
	return r;
}

static on_waking __attribute__((noinline)) int
begin_slowly(struct sfshm *h, const void *key, size_t len,
	     const struct sfshm_policy *policy, struct flight *f,
	     struct sfshm_result *result)
{
	if (policy && policy->size == sizeof(*policy) && policy->claim_key)
		return claim_begin(h, key, len, policy, f, result);
	return call_begin(h, SHM_VALUE, key, len, policy, f, result);
}

on_waking int sfshm_begin(struct sfshm *h, const void *key, size_t key_len,
			  const struct sfshm_policy *policy,
			  struct sfshm_flight *flight,
			  struct sfshm_result *result)
{
	struct flight *f = (struct flight *)flight;
	int r;

	if (unlikely(!flight))
		return -EINVAL;
	r = begin_at_once(h, key, key_len, policy, f, result);
	if (likely(r != AGAIN))
		return r;
	return begin_slowly(h, key, key_len, policy, f, result);
}

/* An old value is in the result, if there is one that is this key's. */
static bool took_old(struct call *c)
{
	const struct sfshm_policy *pol = c->policy;
	struct sighting seen;

	if (look(c, &seen) != LOOK_HIT ||
	    (pol->fits && !pol->fits(c->result, pol->arg))) {
		c->result->value.len = 0;
		return false;
	}
	peer_count(c->self, c->result->stale ? COUNT_stale_hits : COUNT_hits);
	return true;
}

int call_after_failure(struct sfshm *h, const void *key, size_t len,
		       const struct sfshm_policy *policy, uint64_t generation,
		       struct sfshm_result *result)
{
	struct sfshm_policy own = *policy;
	int code = result->code, r;
	struct call c;

	own.flags = SFSHM_FOLLOW | SFSHM_TRY | (policy->flags & SFSHM_REFRESH);
	own.grace_ms = own.stale_if_error_ms;
	own.beta = 0;
	r = call_start(&c, h, SHM_VALUE, key, len, &own, result);
	if (r)
		return -EREMOTEIO;
	c.joined = generation;
	r = took_old(&c) ? SFSHM_CACHED : -EREMOTEIO;
	if (r < 0 || result->stale)
		result->code = code;
	return r;
}

int call_settle_for_old(struct sfshm *h, const void *key, size_t len,
			const struct sfshm_policy *policy,
			struct sfshm_result *result)
{
	struct call c;
	int r = call_start(&c, h, SHM_VALUE, key, len, policy, result);

	if (r)
		return -ETIMEDOUT;
	c.any_age = true;
	return took_old(&c) ? SFSHM_CACHED : -ETIMEDOUT;
}

static __attribute__((noinline)) int get_slowly(struct sfshm *h,
						const void *key, size_t len,
						struct sfshm_result *result)
{
	struct call c;
	int r;

	do {
		r = call_start(&c, h, SHM_VALUE, key, len, NULL, result);
		if (!r)
			r = flight_peek(&c, NULL);
	} while (unlikely(r == MOVED));
	return r;
}

/*
 * What may be answered at once, once the thread has attached. 0: it has, just
 * now; AGAIN: there is more to it; or what handle_enter() says.
 */
static __attribute__((noinline)) int attach_first(struct sfshm *h,
						  const void *key, size_t len,
						  struct sfshm_result *result)
{
	struct peer *p;

	if (!usual(h, key, len, result) ||
	    peer_if_current(load_acquire(&h->map)))
		return AGAIN;
	return handle_enter(h, &p);
}

int sfshm_get(struct sfshm *h, const void *key, size_t key_len,
	      struct sfshm_result *result)
{
	struct peer *p;
	struct key k;
	int r;

	do {
		p = at_once(h, SHM_VALUE, key, key_len, result, &k);
		if (likely(p && fast_get(p, &k, result)))
			return SFSHM_CACHED;
		r = p ? AGAIN : attach_first(h, key, key_len, result);
	} while (!r);
	return r == AGAIN ? get_slowly(h, key, key_len, result) : r;
}

int sfshm_wait(struct sfshm *h, const void *key, size_t key_len,
	       const struct sfshm_policy *policy, struct sfshm_result *result)
{
	uint64_t deadline = 0;
	bool waited = false;
	struct call c;
	int r;

	do {
		r = call_start(&c, h, SHM_VALUE, key, key_len, policy, result);
		if (r)
			return r;
		c.flags |= SFSHM_FOLLOW;
		c.waited = waited;
		c.deadline = deadline;
		r = flight_begin(&c, NULL);
		waited = c.waited;
		deadline = c.deadline;
	} while (r == MOVED);
	return r;
}

int sfshm_forget(struct sfshm *h, const void *key, size_t key_len)
{
	struct sfshm_result none = SFSHM_RESULT_INIT;
	struct call c;
	int r;

	do {
		r = call_start(&c, h, SHM_VALUE, key, key_len, NULL, &none);
		if (!r)
			r = flight_forget(&c, NULL);
	} while (r == MOVED);
	return r;
}

int sfshm_invalidate(struct sfshm *h, const void *key, size_t key_len,
		     uint32_t flags)
{
	struct sfshm_result none = SFSHM_RESULT_INIT;
	struct call c;
	int r;

	if (flags & ~(uint32_t)SFSHM_HARD)
		return -EINVAL;
	do {
		r = call_start(&c, h, SHM_VALUE, key, key_len, NULL, &none);
		if (!r)
			r = flight_invalidate(&c, flags);
	} while (r == MOVED);
	return r;
}

/* The same with every key of the segment, and of its successor if it moves. */
static int with_all(struct sfshm *h, flight_visit_fn what)
{
	struct peer *p;
	int n = 0, r;

	do {
		r = handle_enter(h, &p);
		if (!r)
			handle_look_if_due(p->map);
		if (!r && handle_moved(p->map))
			r = handle_follow(h, &p);
		if (!r)
			r = flight_with_all(p, what);
		if (r > 0)
			n += r < INT_MAX - n ? r : INT_MAX - n;
	} while (r >= 0 && handle_moved(p->map));
	return r < 0 ? r : n;
}

int sfshm_purge(struct sfshm *h)
{
	return with_all(h, flight_purge);
}

int sfshm_invalidate_all(struct sfshm *h, uint32_t flags)
{
	if (flags & ~(uint32_t)SFSHM_HARD)
		return -EINVAL;
	return with_all(h, flags & SFSHM_HARD ? flight_drop : flight_expire);
}

void sfshm_result_clear(struct sfshm_result *result)
{
	if (!result)
		return;
	free(result->value.data);
	*result = (struct sfshm_result)SFSHM_RESULT_INIT;
}
