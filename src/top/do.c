/* SPDX-License-Identifier: MIT */
/*
 * sfshm_do() ends the flight whichever way the thread leaves the work. After a
 * return, settle() ends it; after a cancellation, pthread_exit() or a C++
 * exception, release_guard() does (this file is compiled with -fexceptions). If
 * the thread or the process dies, the participant that finds the death takes
 * the flight over or ends it (docs/recovery.md).
 *
 * Between sfshm_begin() and the push of the clean-up handler there is no
 * cancellation point. A thread that is cancelled asynchronously there, or ends
 * in any other way, gives back what it owns as it detaches.
 */
#include <sfshm/do.h>

#include <pthread.h>

#include "top/call.h"

static on_any_stack void release_guard(void *flight)
{
	const struct flight *f = flight;
	bool fails = f->flags & SFSHM_FAIL_IF_LOST;

	(void)call_end(flight, fails ? -EOWNERDEAD : 0, NULL);
}

static int run_guarded(struct sfshm_flight *flight, sfshm_work_fn work,
		       void *arg)
{
	int r;

	pthread_cleanup_push(release_guard, flight);
	r = work(flight, arg);
	pthread_cleanup_pop(0);
	return r;
}

/*
 * Ends a flight that the work has not ended: fails it with the error that the
 * work returned, or with -EPROTO. Returns sfshm_do()'s outcome.
 */
static int settle(struct flight *f, int returned)
{
	const char *message;
	int code = call_code_of(returned, &message);
	int r = call_end(f, code, message);

	/*
	 * -ESHUTDOWN says that another caller may have led the key, too; it
	 * does not say how this flight ended.
	 */
	return r && r != -ESHUTDOWN ? r : f->outcome;
}

/* Runs the work of a flight that this thread leads, and ends the flight. */
static int lead(struct sfshm_flight *flight, sfshm_work_fn work, void *arg,
		struct sfshm_result *result)
{
	struct flight *f = flight_of(flight);
	int r;

	f->result = result;
	r = run_guarded(flight, work, arg);
	return flight_open(f) ? settle(f, r) : f->outcome;
}

static int begin(struct sfshm *handle, const void *key, size_t key_len,
		 const struct sfshm_policy *policy, struct sfshm_flight *flight,
		 struct sfshm_result *result)
{
	int r = sfshm_begin(handle, key, key_len, policy, flight, result);

	if (call_cannot_use(r) && policy && policy->flags & SFSHM_LOCAL)
		r = flight_alone(flight_of(flight), policy, result);
	return r;
}

int sfshm_do(struct sfshm *handle, const void *key, size_t key_len,
	     const struct sfshm_policy *policy, sfshm_work_fn work, void *arg,
	     struct sfshm_result *result)
{
	struct sfshm_flight flight;
	struct flight *f = flight_of(&flight);
	struct sfshm_policy own;
	uint64_t generation = 0;
	int runs = 0;
	int r = sized_adopt(&policy, &own);

	if (r || !work)
		return r ? r : -EINVAL;
	do {
		r = begin(handle, key, key_len, policy, &flight, result);
		if (r != SFSHM_LEADER)
			return r;
		generation = result->generation;
		r = lead(&flight, work, arg, result);
	} while (f->invalidated && r == SFSHM_COMPUTED && policy &&
		 policy->flags & SFSHM_RETRY_IF_INVALIDATED && !runs++);
	if (r == -EREMOTEIO && generation && policy &&
	    policy->stale_if_error_ms)
		r = call_after_failure(handle, key, key_len, policy, generation,
				       result);
	return r;
}
