/* SPDX-License-Identifier: MIT */
/* The public calls on flights: sfshm_begin(), and those that end a flight. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sfshm/put.h>

#include "os/sys.h"
#include "peer/wait.h"
#include "sync/claim.h"
#include "sync/detached.h"
#include "sync/fast.h"
#include "sync/move.h"
#include "sync/result.h"
#include "top/call.h"

/*
 * Whether fast_begin() may serve this policy: the policy is valid and has this
 * library's size, its flags are harmless, and its beta, fresh, fits and
 * claim_key are 0 (one branch for all four). The fields that concern a wait
 * may have any value, because fast_begin() never waits.
 */
static force_inline bool plain(const struct sfshm_policy *policy)
{
	const uint32_t harmless = SFSHM_KEEP | SFSHM_REFRESH | SFSHM_TRY |
				  SFSHM_INTR | SFSHM_DETACHED;
	uint64_t beta;

	memcpy(&beta, &policy->beta, sizeof(beta));
	return policy->size == sizeof(*policy) &&
	       !call_breaker_is_open_ended(policy) &&
	       !((policy->flags & ~harmless) | beta | (uintptr_t)policy->fresh |
		 (uintptr_t)policy->fits | (uintptr_t)policy->claim_key);
}

static force_inline int begin_at_once(struct sfshm *h, const void *key,
				      size_t len,
				      const struct sfshm_policy *policy,
				      struct flight *f,
				      struct sfshm_result *result)
{
	struct peer *p;
	struct key k;

	if (unlikely(!plain(policy)))
		return AGAIN;
	p = call_at_once(h, SHM_VALUE, key, len, result, &k);
	return likely(p) ? fast_begin(p, &k, policy, f, result) : AGAIN;
}

/*
 * Moves a flight of the process, and its claim, to P's record. False: the
 * process has lost the flight, and P has ended the claim.
 */
static bool move_here(struct flight *f, struct peer *p)
{
	struct flight *claim = claim_of(f);

	if (claim && !flight_move(claim, p))
		store_relaxed(&f->has_claim, false);
	if (flight_move(f, p))
		return true;
	peer_count(p, COUNT_fenced);
	if (f->has_claim)
		claim_end(f, p);
	return false;
}

/*
 * Brings a flight of the process to the calling thread, which is attached first
 * if need be. -ESTALE: the process has lost the flight, which has ended here.
 */
static int bring_here(struct flight *f, struct peer **out)
{
	int r = call_attach(f->map, f->serial, out);

	if (!r && !move_here(f, *out))
		r = -ESTALE;
	if (r == -ESTALE) {
		store_relaxed(&f->map, NULL);
		f->outcome = r;
	}
	return r;
}

/* leader() for a flight of the process. */
static __attribute__((noinline)) int lead_for_process(struct flight *f,
						      struct peer **out)
{
	uint64_t number = load_relaxed(&f->life);
	int r;

	*out = NULL;
	if (load_relaxed(&f->cookie) != process_cookie_seen() &&
	    load_relaxed(&f->cookie) != process_cookie())
		return -ECHILD;
	if (!detached_claim(number))
		return -ESTALE;
	r = f->alone ? 0 : bring_here(f, out);
	if (!r)
		detached_note_end(number);
	else if (r == -ESTALE)
		detached_free(number);
	else
		detached_unclaim(number);
	return r;
}

/*
 * leader() for a flight that this thread does not lead in the segment: a flight
 * of the process, one outside the segment, or another thread's.
 */
static __attribute__((noinline)) int lead_elsewhere(struct flight *f,
						    struct peer **out)
{
	if (!load_relaxed(&f->map) && !load_relaxed(&f->alone))
		return -ESTALE;
	if (flight_of_process(f))
		return lead_for_process(f, out);
	if (f->cookie != process_cookie())
		return -ECHILD;
	return f->alone ? 0 : call_not_mine(f->map, f->life);
}

/*
 * Finds the calling thread's peer before the thread ends the flight. Notes in
 * f->doubtful whether another caller may have led the key, too. Returns 0, or
 * an error if this thread does not lead the flight. *out is NULL for a flight
 * outside the segment (f->alone). After 0, ended() or leave() must follow.
 */
static force_inline int leader(struct flight *f, struct peer **out)
{
	int r;

	*out = NULL;
	if (unlikely(!f))
		return -EINVAL;
	if (likely(load_relaxed(&f->map)))
		*out = peer_of(load_relaxed(&f->life));
	if (unlikely(!*out)) {
		r = lead_elsewhere(f, out);
		if (r || !*out)
			return r;
	}
	f->doubtful = flight_is_doubtful(f->map, f->slot, f->ctl);
	if (unlikely(f->doubtful))
		handle_warn_newcomers(f->map);
	return 0;
}

/* Lets another thread end the flight, if this one has not ended it. */
static force_inline void leave(struct flight *f)
{
	uint64_t number = load_relaxed(&f->life);

	if (likely(!flight_of_process(f)))
		return;
	if (flight_open(f))
		detached_unclaim(number);
	else
		detached_free(number);
}

static __attribute__((noinline)) int ended_oddly(struct flight *f,
						 struct peer *p, int r)
{
	if (f->has_claim && !flight_open(f))
		claim_end(f, p);
	if (f->doubtful && r >= 0) {
		f->doubtful = false;
		r = -ESHUTDOWN;
	}
	leave(f);
	return r;
}

/*
 * Ends the claim of a flight that P has ended. Returns `r`; but -ESHUTDOWN if
 * the flight ended as asked and another caller may have led the key, too.
 */
static force_inline int ended(struct flight *f, struct peer *p, int r)
{
	if (likely(!f->has_claim && !f->doubtful && !flight_of_process(f)))
		return r;
	return ended_oddly(f, p, r);
}

/*
 * Fills in the entry of a flight that the caller leads, and opens the entry, so
 * that any thread of the process may end the flight.
 */
static void list_flight(struct flight *f, uint64_t number,
			const struct sfshm *h, uint64_t task)
{
	struct flight *claim = claim_of(f);
	struct peer *p = f->alone ? NULL : peer_of(f->life);
	struct detached d = {
		.handle = h,
		.task = task,
		.alone = f->alone,
	};

	store_relaxed(&f->life, number);
	if (p) {
		flight_detach(f, p);
		d.serial = f->serial;
		d.ctl = f->ctl;
		d.slot = f->slot;
	}
	if (claim) {
		store_relaxed(&claim->life, number);
		flight_detach(claim, p);
		d.claim_ctl = claim->ctl;
		d.claim_slot = claim->slot;
	}
	detached_open(number, &d);
}

__attribute__((noinline)) int call_detach(const struct sfshm *h, uint64_t task,
					  struct flight *f)
{
	uint64_t number = detached_new();
	struct peer *p;

	if (number) {
		list_flight(f, number, h, task);
		return SFSHM_LEADER;
	}
	if (!leader(f, &p))
		(void)ended(f, p, flight_release(f, p));
	return -ENOMEM;
}

static on_waking __attribute__((noinline)) int
begin_slowly(struct sfshm *h, const void *key, size_t len,
	     const struct sfshm_policy *policy, struct flight *f,
	     struct sfshm_result *result)
{
	struct sfshm_policy own;
	int r = sized_adopt(&policy, &own);

	if (unlikely(r)) {
		f->map = NULL;
		f->alone = false;
		return r;
	}
	r = call_begin(h, SHM_VALUE, key, len, policy, f, result);
	if (r == SFSHM_LEADER && policy->flags & SFSHM_DETACHED)
		return call_detach(h, policy->task, f);
	return r;
}

on_waking int sfshm_begin(struct sfshm *h, const void *key, size_t key_len,
			  const struct sfshm_policy *policy,
			  struct sfshm_flight *flight,
			  struct sfshm_result *result)
{
	struct flight *f = flight_of(flight);
	int r;

	if (unlikely(!flight))
		return -EINVAL;
	policy = policy ? policy : &call_no_policy;
	r = begin_at_once(h, key, key_len, policy, f, result);
	if (unlikely(r == AGAIN))
		return begin_slowly(h, key, key_len, policy, f, result);
	if (unlikely(r == SFSHM_LEADER && policy->flags & SFSHM_DETACHED))
		return call_detach(h, policy->task, f);
	return r;
}

/* Clean-up handler: the policy's `fits` may be a cancellation point. */
static on_any_stack void free_value(void *result)
{
	free(((struct sfshm_result *)result)->value.data);
}

/* glibc's macros nest deeply. NOLINTNEXTLINE(readability-function-size) */
int call_check_fit(const struct flight *f, const struct iovec *iov, int count)
{
	struct sfshm_result whole = SFSHM_RESULT_INIT;
	uint64_t total;
	int r;

	/* flight_publish() refuses a value that is too large. */
	if (result_total(iov, count, &total) || total > flight_largest(f))
		return 0;
	whole.generation = ctl_gen(f->ctl);
	pthread_cleanup_push(free_value, &whole);
	r = result_gather(&whole, iov, count, total);
	if (!r && !f->fits(&whole, f->arg))
		r = -EILSEQ;
	pthread_cleanup_pop(1);
	return r;
}

/* Fails the flight, because its value belongs to another key. */
static int refuse_misfit(struct flight *f, struct peer *p)
{
	int r;

	if (p)
		peer_count(p, COUNT_misfits);
	r = flight_fail(f, p, -EILSEQ, "the value belongs to another key");
	return r ? r : -EILSEQ;
}

static force_inline int publish(struct flight *f, const struct iovec *iov,
				int count)
{
	struct peer *p;
	int r = leader(f, &p);

	if (unlikely(r))
		return r;
	if (f->fits)
		r = call_check_fit(f, iov, count);
	if (likely(!r))
		r = flight_publish(f, p, iov, count);
	else if (r == -EILSEQ)
		r = refuse_misfit(f, p);
	return ended(f, p, r);
}

on_waking int sfshm_publishv(struct sfshm_flight *flight,
			     const struct iovec *iov, int count)
{
	return publish(flight_of(flight), iov, count);
}

on_waking int sfshm_publish(struct sfshm_flight *flight, const void *data,
			    size_t len)
{
	struct iovec iov = {
		.iov_base = (void *)(uintptr_t)data,
		.iov_len = len,
	};

	if (len && !data)
		return -EINVAL;
	return publish(flight_of(flight), &iov, 1);
}

int sfshm_fail(struct sfshm_flight *flight, int code, const char *message)
{
	struct flight *f = flight_of(flight);
	struct peer *p;
	int r = leader(f, &p);

	return r ? r : ended(f, p, flight_fail(f, p, code, message));
}

/*
 * Copies the value that the flight is to renew; if `tagging` is not NULL, also
 * copies the value's tags. Returns 0; -ENODATA, there is no value that `fits`
 * accepts; -ESTALE, another caller took the slot; or an error as look().
 */
static int last_value(const struct flight *f, struct peer *p,
		      struct sfshm_result *result, struct shm_tagging *tagging)
{
	struct call c = {
		.self = p,
		.policy = &call_no_policy,
		.result = result,
		.tagging = tagging,
	};
	int r;

	result_empty(result);
	r = p ? look_at_last(&c, f->slot, f->ctl) : LOOK_ABSENT;
	if (r == LOOK_HIT && f->fits && !f->fits(result, f->arg)) {
		result_empty(result);
		r = LOOK_ABSENT;
	}
	return r == LOOK_HIT    ? 0 :
	       r == LOOK_ABSENT ? -ENODATA :
	       r == -EAGAIN     ? -ESTALE :
				  r;
}

int sfshm_flight_value(const struct sfshm_flight *flight,
		       struct sfshm_result *result)
{
	struct flight *f = flight_of(flight);
	struct peer *p;
	int r = sized_result_is_valid(result) ? leader(f, &p) : -EINVAL;

	if (r)
		return r;
	r = last_value(f, p, result, NULL);
	leave(f);
	return r;
}

/* glibc's macros nest deeply. NOLINTNEXTLINE(readability-function-size) */
int sfshm_touch(struct sfshm_flight *flight)
{
	struct sfshm_result last = SFSHM_RESULT_INIT;
	struct flight *f = flight_of(flight);
	struct shm_tagging tagging = { 0 };
	struct iovec iov;
	bool own_tags;
	struct peer *p;
	int r = leader(f, &p);

	if (r)
		return r;
	pthread_cleanup_push(free_value, &last);
	r = last_value(f, p, &last, &tagging);
	pthread_cleanup_pop(0);
	iov.iov_base = last.value.data;
	iov.iov_len = last.value.len;
	own_tags = flight_head(f) != 0;
	/* The leader's own tags replace the value's. */
	if (!r && !own_tags)
		memcpy(f->tagging.tag, tagging.tag, sizeof(tagging.tag));
	if (!r)
		r = flight_publish(f, p, &iov, 1);
	else if (r == -ESTALE)
		r = flight_release(f, p);
	/* If the flight goes on, it is to publish another value. */
	if (!own_tags)
		f->tagging.tag[0] = 0;
	free(last.value.data);
	return ended(f, p, r);
}

int call_end(struct flight *f, int code, const char *message)
{
	struct peer *p;
	int r = leader(f, &p);

	return r ? r : ended(f, p, flight_end_somehow(f, p, code, message));
}

int sfshm_release(struct sfshm_flight *flight)
{
	struct flight *f = flight_of(flight);
	struct peer *p;
	int r = leader(f, &p);

	return r ? r : ended(f, p, flight_release(f, p));
}

void sfshm_flight_cleanup(struct sfshm_flight *flight)
{
	if (flight && flight_open(flight_of(flight)))
		(void)sfshm_release(flight);
}

void sfshm_flight_ttl(struct sfshm_flight *flight, uint32_t ttl_ms,
		      uint32_t neg_ttl_ms)
{
	struct flight *f = flight_of(flight);

	f->ttl_ms = ttl_ms;
	f->neg_ttl_ms = neg_ttl_ms;
}

void sfshm_flight_keep(struct sfshm_flight *flight, uint32_t keep_ms)
{
	flight_of(flight)->keep_ms = keep_ms;
}

void sfshm_flight_uncacheable(struct sfshm_flight *flight, uint32_t ms)
{
	struct flight *f = flight_of(flight);

	f->uncacheable = true;
	f->uncacheable_ms = ms;
}

uint64_t sfshm_flight_generation(const struct sfshm_flight *flight)
{
	return ctl_gen(load_relaxed(&flight_of(flight)->ctl));
}
