/* SPDX-License-Identifier: MIT */
/* The public calls for polled waits for flights. */
#include <errno.h>

#include "top/queue.h"

/* What the public call has passed. */
struct out {
	struct flight *f; /* or NULL */
	struct sfshm_result *result;
};

/*
 * Does call_begin() for a wait. If the wait was parked before, the call goes on
 * from there.
 */
static int make_call(struct entry *e, void *arg)
{
	const struct sfshm_policy *policy = &e->ask.policy;
	struct out *out = arg;
	struct flight *f = out->f;
	struct call c;
	int r;

	if (f) {
		f->map = NULL;
		f->alone = false;
		f->has_claim = false;
	}
	if (polled_is_closed(&e->polled))
		return -ESHUTDOWN;
	do {
		r = call_start(&c, e->handle, SHM_VALUE, e->key, e->key_len,
			       policy, out->result);
		if (r)
			return r;
		polled_resume(&c, &e->polled);
		r = flight_begin(&c, f);
	} while (r == MOVED);
	if (r == SFSHM_LEADER && policy->flags & SFSHM_DETACHED)
		return call_detach(e->handle, policy->task, f);
	return r;
}

static bool follows(const struct sfshm_policy *policy)
{
	return policy->flags & SFSHM_FOLLOW;
}

static bool suits(const struct entry *e, const void *arg)
{
	return ((const struct out *)arg)->f || follows(&e->ask.policy);
}

static const struct wait_kind flight_wait = {
	.call = make_call,
	.suits = suits,
};

static struct out make_out(struct sfshm_flight *flight,
			   struct sfshm_result *result)
{
	return (struct out){
		.f = flight ? flight_of(flight) : NULL,
		.result = result,
	};
}

static int make_entry(struct sfshm *h, const void *key, size_t len,
		      const struct sfshm_policy *policy, struct entry **out)
{
	struct sfshm_policy own = SFSHM_POLICY_INIT;
	int r = sized_adopt(&policy, &own);

	if (r)
		return r;
	if (!h)
		return -EBADF;
	if (!key || !len)
		return -EINVAL;
	if (len > SFSHM_KEY_MAX)
		return -ENAMETOOLONG;
	if (policy && policy->claim_key)
		return -EOPNOTSUPP;
	r = entry_new(h, key, len, &flight_wait, out);
	if (r)
		return r;
	(*out)->ask.policy = policy ? *policy : own;
	(*out)->polled.cancel = (*out)->ask.policy.cancel;
	(*out)->polled.task = (*out)->ask.policy.task;
	return 0;
}

int sfshm_begin_async(struct sfshm_queue *queue, struct sfshm *handle,
		      const void *key, size_t key_len,
		      const struct sfshm_policy *policy,
		      struct sfshm_flight *flight, struct sfshm_result *result,
		      struct sfshm_wait *wait)
{
	struct entry *e = NULL;
	struct out out;
	int r = -EINVAL;

	if (!wait)
		return r;
	wait->number = 0;
	r = queue_check(queue);
	if (r)
		return r;
	if (!flight && !(policy && follows(policy)))
		return -EINVAL;
	r = make_entry(handle, key, key_len, policy, &e);
	if (r)
		return r;
	out = make_out(flight, result);
	return queue_begin(queue, e, &out, wait);
}

int sfshm_wait_finish(struct sfshm_queue *queue, const struct sfshm_wait *wait,
		      struct sfshm_flight *flight, struct sfshm_result *result)
{
	struct out out;
	int r = wait ? queue_check(queue) : -EINVAL;

	if (r)
		return r;
	if (!sized_result_is_valid(result))
		return -EINVAL;
	out = make_out(flight, result);
	return queue_finish(queue, wait, &flight_wait, &out);
}
