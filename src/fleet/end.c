/* SPDX-License-Identifier: MIT */
/*
 * Ending a flight of a fleet. A value or a failure goes to the engine first and
 * then to the segment; a release goes to the segment first.
 */
#include <errno.h>
#include <stdlib.h>

#include "fleet/engine.h"
#include "fleet/fleet.h"
#include "os/killpoint.h"
#include "os/process.h"
#include "sync/result.h"
#include "top/call.h"

/* Takes the flight's lease; NULL if there is none, or another thread has it. */
static struct lease *take_lease(struct fleet_flight *x)
{
	uint64_t number = load_relaxed(&x->lease);
	struct lease *l;

	if (!number || !cas_relaxed(&x->lease, number, 0))
		return NULL;
	l = lease_take(x->fleet, number);
	if (l) {
		engine_count(l->map, COUNT_fleet_requests, l->renewals);
		engine_count(l->map, COUNT_fleet_reclaimed, l->reclaimed);
		l->renewals = l->reclaimed = 0;
	}
	return l;
}

void fleet_let_go(struct fleet_flight *x)
{
	struct lease *l;

	if (!x->fleet || x->fleet->cookie != process_cookie())
		return;
	l = take_lease(x);
	if (!l)
		return;
	kill_point(fleet_ended);
	lease_give_back(x->fleet, l);
}

/* Sends the outcome in l->request to the engine. Gives the lease back if the
   engine has not answered. */
static int share(struct fleet_flight *x, struct lease *l)
{
	const struct sfshm_fleet_ops *ops = x->fleet->ops;
	struct sfshm_fleet_answer answer = ENGINE_NO_ANSWER;
	int r;

	l->request.alive = lease_is_alive(l);
	r = engine_ask(x->fleet, l->map, ops->publish, &l->request, NS_NEVER,
		       &answer);
	free(answer.bytes.data);
	x->fenced = !r && answer.verdict == SFSHM_FLEET_FENCED;
	if (x->fenced)
		engine_count(l->map, COUNT_fleet_fenced, 1);
	x->shared = !r && answer.verdict == SFSHM_FLEET_OK;
	if (r)
		lease_give_back(x->fleet, l);
	else
		lease_free(l);
	return x->fenced ? -ESTALE : 0;
}

int fleet_share(struct fleet_flight *x, int code, const struct iovec *iov,
		int count)
{
	const struct flight *f = flight_of(&x->host);
	struct lease *l = take_lease(x);
	int r = 0;

	if (!l)
		return 0;
	/*
	 * If the host flight is lost, its next leader may have inherited the
	 * lease; the engine then refuses this release.
	 */
	if (!lease_flight_stands(l)) {
		lease_give_back(x->fleet, l);
		return 0;
	}
	l->request.code = code;
	l->request.ttl_ms = code ? f->neg_ttl_ms : f->ttl_ms;
	l->request.iov = iov;
	l->request.count = count;
	r = share(x, l);
	kill_point(fleet_published);
	return r;
}

/*
 * Lets this thread end the flight. Returns 0, and then end_over() must follow;
 * or an error. If several threads end a flight of their process, only one gets
 * 0 at a time, so the engine and the segment get the same outcome.
 */
static int end_begin(struct fleet_flight *x)
{
	const struct flight *f = flight_of(&x->host);

	if (!load_relaxed(&f->map) && !load_relaxed(&f->alone))
		return -ESTALE;
	if (load_relaxed(&f->cookie) != process_cookie())
		return -ECHILD;
	if (flight_of_process(f))
		return cas_acq_rel(&x->ending, 0, 1) ? 0 : -ESTALE;
	if (f->alone || peer_of(f->life))
		return 0;
	return call_not_mine(f->map, f->life);
}

static on_any_stack void end_over(void *arg)
{
	struct fleet_flight *x = arg;

	store_release(&x->ending, 0);
}

/* Releases the host flight after the engine has fenced the leader; the next
   caller gets the fleet's result. */
static int fenced(struct fleet_flight *x)
{
	(void)sfshm_release(&x->host);
	return -ESTALE;
}

/* Gives the value to the other hosts, unless it is for the leader alone. */
static int share_value(struct fleet_flight *x, const struct iovec *iov,
		       int count)
{
	const struct flight *f = flight_of(&x->host);
	uint64_t total;
	int r = result_total(iov, count, &total);

	if (r || !load_relaxed(&x->lease))
		return r;
	if (total > flight_largest(f))
		return -EMSGSIZE;
	r = f->fits ? call_check_fit(f, iov, count) : 0;
	if (r)
		return r;
	if (!f->uncacheable && total <= f->map->geometry.max_value)
		return fleet_share(x, 0, iov, count);
	fleet_let_go(x);
	return 0;
}

static int fail(struct fleet_flight *x, int code, const char *message)
{
	struct sfshm_result *result = flight_of(&x->host)->result;
	char cut[SFSHM_MESSAGE_MAX];
	struct iovec text;
	int r;

	message = result_fit_message(message, cut);
	text.iov_base = (void *)(uintptr_t)message;
	text.iov_len = message ? strlen(message) : 0;
	if (fleet_share(x, code, &text, 1))
		return fenced(x);
	r = sfshm_fail(&x->host, code, message);
	if (result)
		result->fleet = x->shared;
	return r;
}

static int publish(struct fleet_flight *x, const struct iovec *iov, int count)
{
	struct sfshm_result *result = flight_of(&x->host)->result;
	int r = share_value(x, iov, count);

	if (x->fenced)
		return fenced(x);
	if (r == -EILSEQ) {
		r = fail(x, r, "the value belongs to another key");
		return r ? r : -EILSEQ;
	}
	if (r)
		return r;
	r = sfshm_publishv(&x->host, iov, count);
	if (result)
		result->fleet = x->shared;
	return r;
}

int sfshm_fleet_publishv(struct sfshm_fleet_flight *flight,
			 const struct iovec *iov, int count)
{
	struct fleet_flight *x = fleet_flight_of(flight);
	int r;

	if (!x)
		return -EINVAL;
	r = end_begin(x);
	if (r)
		return r;
	/* The policy's `fits` may be a cancellation point. */
	pthread_cleanup_push(end_over, x);
	r = publish(x, iov, count);
	pthread_cleanup_pop(1);
	return r;
}

int sfshm_fleet_publish(struct sfshm_fleet_flight *flight, const void *data,
			size_t len)
{
	const struct iovec iov = {
		.iov_base = (void *)(uintptr_t)data,
		.iov_len = len,
	};

	if (len && !data)
		return -EINVAL;
	return sfshm_fleet_publishv(flight, &iov, 1);
}

int sfshm_fleet_fail(struct sfshm_fleet_flight *flight, int code,
		     const char *message)
{
	struct fleet_flight *x = fleet_flight_of(flight);
	int r;

	if (!x || !flight_may_fail_with(code))
		return -EINVAL;
	r = end_begin(x);
	if (r)
		return r;
	r = fail(x, code, message);
	end_over(x);
	return r;
}

/*
 * Releases the host flight first. If a follower of this host then inherits the
 * lease, the engine refuses the release.
 */
int sfshm_fleet_release(struct sfshm_fleet_flight *flight)
{
	struct fleet_flight *x = fleet_flight_of(flight);
	int r;

	if (!x)
		return -EINVAL;
	r = end_begin(x);
	if (r == -ESTALE && !flight_of_process(flight_of(&x->host)))
		fleet_let_go(x);
	if (r)
		return r;
	r = sfshm_release(&x->host);
	fleet_let_go(x);
	end_over(x);
	return r;
}

void sfshm_fleet_cleanup(struct sfshm_fleet_flight *flight)
{
	if (flight && flight_open(flight_of(&flight->host)))
		(void)sfshm_fleet_release(flight);
}

uint64_t sfshm_fleet_token(const struct sfshm_fleet_flight *flight)
{
	return flight ? fleet_flight_of(flight)->token : 0;
}

int sfshm_fleet_lost(const struct sfshm_fleet_flight *flight)
{
	const struct fleet_flight *x = fleet_flight_of(flight);
	uint64_t lease;

	if (!x)
		return -EINVAL;
	lease = load_relaxed(&x->lease);
	if (lease && x->fleet->cookie != process_cookie())
		return -ECHILD;
	/*
	 * A thread that ends the flight clears x->lease before it takes the
	 * lease from the list, and the list's lock keeps that order. So a lease
	 * that is not listed is lost only if x->lease still names it.
	 */
	return lease && lease_is_lost(x->fleet, lease) &&
	       load_relaxed(&x->lease) == lease;
}

int sfshm_fleet_shared(const struct sfshm_fleet_flight *flight)
{
	return flight ? fleet_flight_of(flight)->shared : -EINVAL;
}
