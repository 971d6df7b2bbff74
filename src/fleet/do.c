/* SPDX-License-Identifier: MIT */
/*
 * sfshm_fleet_do(): as sfshm_do(), the flight ends whichever way the thread
 * leaves the work. This file is compiled with -fexceptions, too.
 */
#include <sfshm/fleet-do.h>

#include <errno.h>

#include "fleet/engine.h"
#include "fleet/fleet.h"
#include "os/process.h"
#include "top/call.h"

/* Clean-up handler: the thread is cancelled, or an exception passes. Ends the
   host flight first, because that does not depend on the engine. */
static void release_guard(void *arg)
{
	struct fleet_flight *x = arg;
	struct flight *f = flight_of(&x->host);
	bool fails = f->flags & SFSHM_FAIL_IF_LOST;

	(void)call_end(f, fails ? -EOWNERDEAD : 0, NULL);
	fleet_let_go(x);
}

static int run_guarded(struct sfshm_fleet_flight *flight,
		       sfshm_fleet_work_fn work, void *arg)
{
	int r;

	pthread_cleanup_push(release_guard, fleet_flight_of(flight));
	r = work(flight, arg);
	pthread_cleanup_pop(0);
	return r;
}

/* Ends a flight that the work has not ended. */
static int settle(struct sfshm_fleet_flight *flight, int returned)
{
	const struct flight *f = flight_of(&flight->host);
	const char *message;
	int code = call_code_of(returned, &message);
	int r = sfshm_fleet_fail(flight, code, message);

	if (flight_open(f))
		r = sfshm_fleet_release(flight);
	return r && r != -ESHUTDOWN ? r : f->outcome;
}

static int lead(struct sfshm_fleet_flight *flight, sfshm_fleet_work_fn work,
		void *arg, struct sfshm_result *result)
{
	struct fleet_flight *x = fleet_flight_of(flight);
	struct flight *f = flight_of(&x->host);
	int r;

	f->result = result;
	r = run_guarded(flight, work, arg);
	r = flight_open(f) ? settle(flight, r) : f->outcome;
	/* The work may have ended only the host flight. */
	fleet_let_go(x);
	return r;
}

/* Gets the result of another host's later flight, after the engine has fenced
   this caller's. */
static int take_newer(struct sfshm_fleet *fleet, const void *key,
		      size_t key_len, const struct sfshm_policy *policy,
		      struct sfshm_fleet_flight *flight,
		      struct sfshm_result *result)
{
	const struct fleet_terms terms = {
		.newer_than = sfshm_fleet_token(flight),
		.never_leads = true,
	};

	return fleet_begin(fleet, key, key_len, policy, &terms, flight, result);
}

int sfshm_fleet_do(struct sfshm_fleet *fleet, const void *key, size_t key_len,
		   const struct sfshm_policy *policy, sfshm_fleet_work_fn work,
		   void *arg, struct sfshm_result *result)
{
	static const struct fleet_terms usual = { .may_run_alone = true };
	struct sfshm_fleet_flight flight;
	const struct flight *f = flight_of(&flight.host);
	struct sfshm_policy own;
	uint64_t generation = 0;
	int runs = 0;
	int r = sized_adopt(&policy, &own);

	if (r || !work || !fleet)
		return r ? r : -EINVAL;
	do {
		r = fleet_begin(fleet, key, key_len, policy, &usual, &flight,
				result);
		if (r != SFSHM_LEADER)
			return r;
		generation = result->generation;
		r = lead(&flight, work, arg, result);
		if (fleet_flight_of(&flight)->fenced)
			return take_newer(fleet, key, key_len, policy, &flight,
					  result);
	} while (f->invalidated && r == SFSHM_COMPUTED && policy &&
		 policy->flags & SFSHM_RETRY_IF_INVALIDATED && !runs++);
	if (r == -EREMOTEIO && generation && policy &&
	    policy->stale_if_error_ms)
		r = call_after_failure(fleet->handle, key, key_len, policy,
				       generation, result);
	return r;
}

int sfshm_fleet_invalidate(struct sfshm_fleet *fleet, const void *key,
			   size_t key_len, uint32_t flags)
{
	struct sfshm_fleet_answer answer = ENGINE_NO_ANSWER;
	struct sfshm_fleet_request request;
	struct peer *p;
	int r, here;

	if (!fleet || !key || !key_len || flags & ~(uint32_t)SFSHM_HARD)
		return -EINVAL;
	if (fleet->cookie != process_cookie())
		return -ECHILD;
	if (key_len > SFSHM_KEY_MAX)
		return -ENAMETOOLONG;
	r = handle_enter_newest(fleet->handle, &p);
	if (r)
		return r;
	/* Asks the engine first: the next leader in this host must not find
	   the old value there. */
	request = engine_request(fleet, p->map, key, key_len);
	r = engine_ask(fleet, p->map, fleet->ops->invalidate, &request,
		       NS_NEVER, &answer);
	here = sfshm_invalidate(fleet->handle, key, key_len, flags);
	return here && here != -ENODATA ? here : r;
}
