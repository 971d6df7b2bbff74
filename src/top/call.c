/* SPDX-License-Identifier: MIT */
/*
 * Turns a public call into a call of sync/: checks the arguments, and finds the
 * handle's mapping and the calling thread's peer.
 */
#include "top/call.h"

#include <errno.h>
#include <string.h>

#include "sync/result.h"

#define ALL_FLAGS                                                        \
	(SFSHM_TRY | SFSHM_FOLLOW | SFSHM_REFRESH | SFSHM_KEEP |         \
	 SFSHM_STALE_ON_TIMEOUT | SFSHM_RETRY_ON_FAILURE | SFSHM_LOCAL | \
	 SFSHM_RETRY_IF_INVALIDATED | SFSHM_CANCEL_FIRST |               \
	 SFSHM_FAIL_IF_LOST | SFSHM_INTR | SFSHM_DETACHED)

const struct sfshm_policy call_no_policy = SFSHM_POLICY_INIT;

int call_start(struct call *c, struct sfshm *h, enum shm_kind kind,
	       const void *key, size_t len, const struct sfshm_policy *policy,
	       struct sfshm_result *result)
{
	int r;

	if (!key || !len || !sized_result_is_valid(result) ||
	    (policy && (policy->flags & ~(uint32_t)ALL_FLAGS ||
			call_breaker_is_open_ended(policy))))
		return -EINVAL;
	if (policy && policy->claim_key && !policy->claim_key_len)
		return -EINVAL;
	if (len > SFSHM_KEY_MAX || (policy && policy->claim_key &&
				    policy->claim_key_len > SFSHM_KEY_MAX))
		return -ENAMETOOLONG;
	result_empty(result);
	*c = (struct call){ 0 };
	/* Read this before the handle's mapping, so that no close is missed. */
	c->closing = h ? &h->closing : NULL;
	c->closing_seen = h ? load_acquire(c->closing) : 0;
	r = handle_enter_newest(h, &c->self);
	if (r)
		return r;
	c->key = key_make(c->self->map, kind, key, len);
	c->policy = policy ? policy : &call_no_policy;
	c->flags = c->policy->flags;
	c->lease_or_rank = c->policy->lock_age_ms;
	c->result = result;
	return 0;
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
	f->has_claim = false;
	do {
		r = call_start(&c, h, kind, key, len, policy, result);
		if (r)
			return r;
		c.wait.waited = waited;
		c.wait.deadline = deadline;
		r = flight_begin(&c, f);
		waited = c.wait.waited;
		deadline = c.wait.deadline;
	} while (r == MOVED);
	return r;
}

int call_attach(const struct mapping *map, uint64_t serial, struct peer **out)
{
	struct mapping *got;
	int r;

	*out = peer_attached(map, serial);
	if (*out)
		return 0;
	got = mapping_get_serial(serial);
	if (!got)
		return -ESTALE;
	r = peer_attach(got, out);
	mapping_put(got);
	return r;
}

/* The largest of the kernel's error numbers. */
#define LAST_ERRNO 4095

int call_code_of(int returned, const char **message)
{
	if (returned < 0 && returned >= -LAST_ERRNO) {
		*message = sfshm_strerror(returned);
		return returned;
	}
	*message = "the work returned without a result";
	return -EPROTO;
}

/* Copies the key's value to the result, if it has one that `fits` accepts. */
static bool took_old(struct call *c)
{
	const struct sfshm_policy *pol = c->policy;
	struct sighting seen;

	if (look(c, &seen) != LOOK_HIT ||
	    (pol->fits && !pol->fits(c->result, pol->arg))) {
		result_empty(c->result);
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
	char message[SFSHM_MESSAGE_MAX];
	int code = result->code, r;
	struct call c;

	memcpy(message, result->message, sizeof(message));
	message[sizeof(message) - 1] = '\0';
	own.flags = SFSHM_FOLLOW | SFSHM_TRY | (policy->flags & SFSHM_REFRESH);
	own.grace_ms = own.stale_if_error_ms;
	own.beta = 0;
	r = call_start(&c, h, SHM_VALUE, key, len, &own, result);
	if (!r) {
		c.wait.joined = generation;
		r = took_old(&c) ? SFSHM_CACHED : -EREMOTEIO;
	}
	if (r < 0 || result->stale) {
		result->code = code;
		result_take_message(result, message);
	}
	return r < 0 ? -EREMOTEIO : r;
}
