/* SPDX-License-Identifier: MIT */
/* The public calls on keys: get, peek, wait, forget, invalidate, purge. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sync/fast.h"
#include "top/call.h"

static __attribute__((noinline)) int get_slowly(struct sfshm *h,
						const void *key, size_t len,
						struct sfshm_result *result)
{
	struct call c;
	int r;

	do {
		r = call_start(&c, h, SHM_VALUE, key, len, NULL, result);
		if (!r)
			r = flight_peek(&c);
	} while (unlikely(r == MOVED));
	return r;
}

/*
 * Attaches the thread, if that is all that keeps the call from the fast path.
 * Returns 0 if the thread is attached now, AGAIN if the slow path must answer,
 * or handle_enter()'s error.
 */
static __attribute__((noinline)) int attach_first(struct sfshm *h,
						  const void *key, size_t len,
						  struct sfshm_result *result)
{
	struct peer *p;

	if (!call_is_usual(h, key, len, result) ||
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
		p = call_at_once(h, SHM_VALUE, key, key_len, result, &k);
		if (likely(p && fast_get(p, &k, result)))
			return SFSHM_CACHED;
		r = p ? AGAIN : attach_first(h, key, key_len, result);
	} while (!r);
	return r == AGAIN ? get_slowly(h, key, key_len, result) : r;
}

int sfshm_get_many(struct sfshm *h, const struct iovec *keys, size_t count,
		   struct sfshm_result *results, int *outcomes)
{
	uint8_t *at = (uint8_t *)results;
	int found = 0;

	if (count && (!keys || !results || !outcomes))
		return -EINVAL;
	/* A caller of another version has results of another length. */
	for (size_t i = 0; i < count; i++, at += results->size) {
		outcomes[i] = sfshm_get(h, keys[i].iov_base, keys[i].iov_len,
					(struct sfshm_result *)(void *)at);
		found += outcomes[i] == SFSHM_CACHED && found < INT_MAX;
	}
	return found;
}

/*
 * Sets settle_ms, not grace_ms, to ask for a stale value: with grace_ms,
 * flight_peek() would also look at the key's leader.
 */
int sfshm_peek(struct sfshm *h, const void *key, size_t key_len,
	       const struct sfshm_policy *policy, struct sfshm_result *result)
{
	struct sfshm_policy own = call_no_policy;
	uint64_t settle_ms;
	struct call c;
	int r = sized_adopt(&policy, &own);

	if (r)
		return r;
	if (policy)
		own = *policy;
	settle_ms = flight_settles_for(&own, -EAGAIN);
	own.grace_ms = 0;
	do {
		r = call_start(&c, h, SHM_VALUE, key, key_len, &own, result);
		if (r)
			return r;
		c.flags &= SFSHM_STALE_ON_TIMEOUT | SFSHM_RETRY_ON_FAILURE;
		c.flags |= SFSHM_FOLLOW;
		c.settle_ms = settle_ms;
		r = flight_peek(&c);
	} while (r == MOVED);
	return r;
}

int sfshm_wait(struct sfshm *h, const void *key, size_t key_len,
	       const struct sfshm_policy *policy, struct sfshm_result *result)
{
	uint64_t deadline = 0;
	bool waited = false;
	struct sfshm_policy own;
	struct call c;
	int r = sized_adopt(&policy, &own);

	if (r)
		return r;
	do {
		r = call_start(&c, h, SHM_VALUE, key, key_len, policy, result);
		if (r)
			return r;
		c.flags |= SFSHM_FOLLOW;
		c.wait.waited = waited;
		c.wait.deadline = deadline;
		r = flight_begin(&c, NULL);
		waited = c.wait.waited;
		deadline = c.wait.deadline;
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
			r = flight_forget(&c);
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

/*
 * Calls visit() for the segment, and for its successor if one appears
 * meanwhile. Returns the sum of what visit() returns, or an error.
 */
static int with_all(struct sfshm *h, int (*visit)(struct peer *p))
{
	struct peer *p;
	int n = 0, r;

	do {
		r = handle_enter_newest(h, &p);
		if (!r)
			r = visit(p);
		if (r > 0)
			n += r < INT_MAX - n ? r : INT_MAX - n;
	} while (r >= 0 && handle_moved(p->map));
	return r < 0 ? r : n;
}

int sfshm_purge(struct sfshm *h)
{
	return with_all(h, flight_purge_all);
}

int sfshm_invalidate_all(struct sfshm *h, uint32_t flags)
{
	if (flags & ~(uint32_t)SFSHM_HARD)
		return -EINVAL;
	return with_all(h, flags & SFSHM_HARD ? flight_drop_all :
						flight_expire_all);
}

void sfshm_result_clear(struct sfshm_result *result)
{
	size_t size;

	if (!result)
		return;
	size = result->size;
	free(result->value.data);
	memset(result, 0, SIZED_RESULT);
	result->size = size ? size : sizeof(*result);
}
