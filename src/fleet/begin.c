/* SPDX-License-Identifier: MIT */
/*
 * Beginning a flight of a fleet. The caller that leads in its host asks the
 * engine, and waits for another host's leader if there is one.
 */
#include <errno.h>
#include <stdlib.h>

#include "fleet/engine.h"
#include "fleet/fleet.h"
#include "os/hash.h"
#include "os/killpoint.h"
#include "os/process.h"
#include "sync/result.h"
#include "top/call.h"

/* How often a caller that waits for another host checks its own host. */
#define SLICE_MS 125
/*
 * The longest random time before a host asks again, ms: after a wait, and after
 * the end of the other host's lease. Hosts that wait for one key then ask one
 * after the other.
 */
#define SPREAD_MS 8
#define SPREAD_AFTER_LEASE_MS 64

/* A call that leads in its host, until it has a result or leads the fleet. */
struct quest {
	struct sfshm_fleet *fleet;
	const struct sfshm_policy *policy;
	const struct fleet_terms *terms;
	struct fleet_flight *x;
	struct flight *f;
	struct sfshm_result *result;
	struct sfshm_fleet_request request;
	struct sfshm_fleet_answer answer;
	uint64_t deadline;     /* ns; NS_NEVER: none */
	uint64_t until;        /* ns: when the other host's lease is over */
	uint64_t asked_boot;   /* CLOCK_BOOTTIME, ns, before the last request */
	unsigned int troubles; /* how often a watch has failed */
	bool slept;
	bool signalled; /* a signal's handler has run in a sleep */
	void *watch;
};

/* await() returns this if the answer has a result. */
#define ARRIVED 1

static void end_watch(struct quest *q)
{
	int state = uncancelled_begin();

	if (q->watch)
		q->fleet->ops->unwatch(q->watch);
	q->watch = NULL;
	uncancelled_end(state);
}

static void quest_end(struct quest *q)
{
	end_watch(q);
	free(q->answer.bytes.data);
	q->answer.bytes = (struct sfshm_buf){ 0 };
}

/* Clean-up handler: the thread is cancelled, or an exception passes, before the
   thread has a lease. */
static on_any_stack void quest_cancelled(void *arg)
{
	struct quest *q = arg;

	quest_end(q);
	sfshm_flight_cleanup(&q->x->host);
}

/* Gives up the host flight, and returns an old value if the policy says so. */
static int give_up(struct quest *q, int error)
{
	const struct sfshm_policy *policy = q->policy;
	int r = error;

	if (engine_is_of_no_use(error) ||
	    (error == -ETIMEDOUT && policy->flags & SFSHM_STALE_ON_TIMEOUT))
		r = sfshm_peek(q->fleet->handle, q->request.key,
			       q->request.key_len, policy, q->result);
	sfshm_flight_cleanup(&q->x->host);
	if (r == SFSHM_CACHED)
		return r;
	result_empty(q->result);
	return error;
}

/*
 * Returns the lifetime that is left of a result, ms. The engine's answer may be
 * `late_ns` old.
 */
static uint32_t life_of(const struct quest *q, uint64_t late_ns)
{
	uint64_t left = q->answer.left_ms, late = late_ns / NS_PER_MS + 1;

	if (left >= SFSHM_FOREVER)
		return SFSHM_FOREVER;
	left = left > late ? left - late : 0;
	if (q->fleet->jitter)
		left -= left * (hash_draw() % (q->fleet->jitter + 1)) / 100;
	return (uint32_t)left;
}

static int fail_here(struct quest *q)
{
	const struct sfshm_fleet_answer *a = &q->answer;
	char message[SFSHM_MESSAGE_MAX] = "";
	size_t len = a->bytes.len < sizeof(message) ? a->bytes.len :
						      sizeof(message) - 1;

	if (len)
		memcpy(message, a->bytes.data, len);
	return sfshm_fail(&q->x->host, a->code, message);
}

/* The outcome of a host flight that has ended with another host's result. */
static int ridden(struct quest *q, uint64_t generation, int source)
{
	struct sfshm_result *result = q->result;
	int r = q->f->outcome;

	if (r == -EREMOTEIO && q->policy->stale_if_error_ms)
		r = call_after_failure(q->fleet->handle, q->request.key,
				       q->request.key_len, q->policy,
				       generation, result);
	result->fleet = r != SFSHM_CACHED;
	if (r != SFSHM_COMPUTED)
		return r;
	result->source = source;
	result->leader = 0;
	result->shared = 1;
	result->fleet = 1;
	return source;
}

/* Ends the host flight with the result of another host. */
static int ride(struct quest *q, uint64_t late_ns, int source)
{
	const struct sfshm_fleet_answer *a = &q->answer;
	uint64_t generation = q->result->generation;
	uint32_t ms = life_of(q, late_ns);
	int r;

	sfshm_flight_ttl(&q->x->host, ms, ms);
	q->f->result = q->result;
	r = a->code ? fail_here(q) :
		      sfshm_publish(&q->x->host, a->bytes.data, a->bytes.len);
	if (!flight_open(q->f))
		return ridden(q, generation, source);
	sfshm_flight_cleanup(&q->x->host);
	return r < 0 ? r : -ESTALE;
}

/* Whether the policy's checks refuse the result that the engine has. */
static bool refused(const struct quest *q)
{
	const struct sfshm_policy *policy = q->policy;
	struct sfshm_result seen = SFSHM_RESULT_INIT;

	if (q->answer.code)
		return policy->flags & SFSHM_RETRY_ON_FAILURE;
	seen.value = q->answer.bytes;
	seen.coordinated = 1;
	seen.generation = q->result->generation;
	return (policy->fits && !policy->fits(&seen, policy->arg)) ||
	       (policy->fresh && !policy->fresh(&seen, policy->arg));
}

static void note_sleep(struct quest *q, bool signalled)
{
	q->slept = true;
	q->signalled |= signalled;
}

/* Sleeps for less than a second. */
static void nap(struct quest *q, uint64_t ns)
{
	const struct timespec t = { .tv_nsec = (long)ns };
	int state = uncancelled_begin();

	note_sleep(q, clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL) == EINTR);
	uncancelled_end(state);
}

/* Whether a signal or the policy ends the wait. Neither ends it before the
   first sleep. */
static bool interrupted(const struct quest *q)
{
	const struct sfshm_policy *policy = q->policy;

	return q->slept &&
	       ((q->signalled && policy->flags & SFSHM_INTR) ||
		(policy->interrupted && policy->interrupted(policy->arg)));
}

/*
 * Checks whether the wait for another host must end. If not, extends the host
 * flight's lease, which limits the work and not the wait. Returns 0, or the
 * reason to end the wait as an error.
 */
static int look_around(struct quest *q, uint64_t now)
{
	const struct sfshm_policy *policy = q->policy;

	if (policy->cancel && load_acquire(&policy->cancel->word))
		return -ECANCELED;
	if (now >= q->deadline)
		return -ETIMEDOUT;
	if (interrupted(q))
		return -EINTR;
	if (q->f->lock_age_ms)
		return sfshm_extend(&q->x->host, q->f->lock_age_ms);
	return flight_stands(q->f) ? 0 : -ESTALE;
}

/*
 * The engine cannot be watched, so the call asks it again: soon at first,
 * because a connection may have been lost, and then ever later, so that the
 * call does not poll.
 */
static void in_trouble(struct quest *q)
{
	uint64_t ms = UINT64_C(8) << q->troubles, soon;

	end_watch(q);
	ms = ms < q->fleet->retry_ms ? ms : q->fleet->retry_ms;
	soon = ns_after(sys.now(), ms);
	q->until = soon < q->until ? soon : q->until;
	if (q->troubles < 16)
		q->troubles++;
}

/* Waits for one slice, or less. Returns -EAGAIN to wait on, else as await(). */
static int await_slice(struct quest *q)
{
	uint64_t now = sys.now(), end = ns_after(now, SLICE_MS);
	int state, r;

	pthread_testcancel();
	r = look_around(q, now);
	if (r)
		return r;
	if (now >= q->until)
		return 0;
	end = end < q->deadline ? end : q->deadline;
	end = end < q->until ? end : q->until;
	if (!q->watch) {
		nap(q, end - now);
		return -EAGAIN;
	}
	state = uncancelled_begin();
	r = q->fleet->ops->next(q->watch, end, &q->answer);
	uncancelled_end(state);
	note_sleep(q, r == -EINTR);
	if (r && r != -EAGAIN && r != -EINTR)
		in_trouble(q);
	if (r)
		return -EAGAIN;
	return q->answer.verdict == SFSHM_FLEET_RELEASED ? 0 : ARRIVED;
}

/*
 * Waits until the other host's flight has ended, or may have. Returns ARRIVED
 * with the result in q->answer, and stores in *late_ns how old its announcement
 * is at most; 0: ask again; or an error.
 */
static int await(struct quest *q, uint64_t *late_ns)
{
	uint64_t looked = q->asked_boot, now, left = q->answer.left_ms;
	int state, r;

	q->until = ns_after(sys.now(),
			    left + 1 + hash_draw() % SPREAD_AFTER_LEASE_MS);
	q->request.token = q->answer.token;
	q->request.deadline_ns = q->until < q->deadline ? q->until :
							  q->deadline;
	engine_count(q->f->map, COUNT_fleet_requests, 1);
	state = uncancelled_begin();
	r = q->fleet->ops->watch(q->fleet->engine, &q->request, &q->watch);
	uncancelled_end(state);
	if (r)
		in_trouble(q);
	for (;;) {
		now = sys.boot();
		r = await_slice(q);
		if (r != -EAGAIN)
			break;
		looked = now;
	}
	*late_ns = sys.boot() - looked;
	end_watch(q);
	return r;
}

static int acquire(struct quest *q)
{
	q->request.token = load_relaxed(&q->f->map->header->fleet_token);
	q->asked_boot = sys.boot();
	return engine_ask(q->fleet, q->f->map, q->fleet->ops->acquire,
			  &q->request, q->deadline, &q->answer);
}

/* The engine has given this host the lease. */
static int lead(struct quest *q)
{
	const struct sfshm_fleet *fleet = q->fleet;
	int r = 0;

	q->request.token = q->answer.token;
	kill_point(fleet_leased);
	/* The host flight's lease limits the work, which begins now. */
	if (q->terms->never_leads)
		r = -ESTALE;
	else if (q->f->lock_age_ms)
		r = sfshm_extend(&q->x->host, q->f->lock_age_ms);
	if (!r)
		r = lease_add(q->fleet, &q->request, q->asked_boot, q->f,
			      &q->x->lease);
	if (r) {
		engine_tell(fleet, q->f->map, fleet->ops->release, &q->request);
		return give_up(q, r);
	}
	engine_count(q->f->map, COUNT_fleet_leads, 1);
	if (q->answer.verdict == SFSHM_FLEET_INHERITED)
		engine_count(q->f->map, COUNT_fleet_inherited, 1);
	q->x->fleet = q->fleet;
	q->x->token = q->answer.token;
	q->result->fleet = 1;
	return SFSHM_LEADER;
}

/* The request has failed. If the engine is of no use, the call may lead
   alone. */
static int go_without(struct quest *q, int r)
{
	bool alone = engine_is_of_no_use(r) && !q->terms->never_leads &&
		     !(q->fleet->flags & SFSHM_FLEET_STRICT);

	if (!alone)
		return give_up(q, r);
	engine_count(q->f->map, COUNT_fleet_local, 1);
	return SFSHM_LEADER;
}

/* Another host leads. Returns as await(). */
static int meet_leader(struct quest *q, uint64_t *late_ns)
{
	if (q->policy->flags & SFSHM_TRY)
		return -EBUSY;
	/* A result of the flight that is under way will do for a refresh. */
	if (q->request.newer_than == UINT64_MAX)
		q->request.newer_than = q->answer.token - 1;
	return await(q, late_ns);
}

static int pursue(struct quest *q)
{
	uint64_t late_ns;
	int r;

	for (;;) {
		r = acquire(q);
		if (r)
			return go_without(q, r);
		if (q->answer.verdict == SFSHM_FLEET_LED ||
		    q->answer.verdict == SFSHM_FLEET_INHERITED)
			return lead(q);
		if (q->answer.verdict == SFSHM_FLEET_HIT) {
			if (!refused(q))
				return ride(q, sys.boot() - q->asked_boot,
					    SFSHM_CACHED);
			q->request.newer_than = q->answer.token;
			continue;
		}
		r = meet_leader(q, &late_ns);
		if (r < 0)
			return give_up(q, r);
		if (r == ARRIVED && !refused(q))
			return ride(q, late_ns, SFSHM_AWAITED);
		if (r == ARRIVED)
			q->request.newer_than = q->answer.token;
		nap(q, hash_draw() % (SPREAD_MS * NS_PER_MS));
	}
}

static int pursue_guarded(struct quest *q)
{
	int r;

	pthread_cleanup_push(quest_cancelled, q);
	r = pursue(q);
	pthread_cleanup_pop(0);
	quest_end(q);
	return r;
}

static uint64_t deadline_of(const struct sfshm_policy *policy, uint64_t began)
{
	uint64_t end = policy->deadline_ns ? policy->deadline_ns : NS_NEVER;
	uint64_t limit = policy->wait_timeout_ms ?
				 ns_after(began, policy->wait_timeout_ms) :
				 NS_NEVER;

	return end < limit ? end : limit;
}

static int begin_here(struct sfshm_fleet *fleet, const void *key,
		      size_t key_len, const struct sfshm_policy *policy,
		      const struct fleet_terms *terms, struct fleet_flight *x,
		      struct sfshm_result *result)
{
	struct sfshm_policy steady;
	int r;

	if (unlikely(policy->beta != 0)) {
		steady = *policy;
		steady.beta = 0;
		policy = &steady;
	}
	r = sfshm_begin(fleet->handle, key, key_len, policy, &x->host, result);
	if (unlikely(call_cannot_use(r)) && terms->may_run_alone &&
	    policy->flags & SFSHM_LOCAL)
		r = flight_alone(flight_of(&x->host), policy, result);
	return r;
}

int fleet_begin(struct sfshm_fleet *fleet, const void *key, size_t key_len,
		const struct sfshm_policy *policy,
		const struct fleet_terms *terms,
		struct sfshm_fleet_flight *flight, struct sfshm_result *result)
{
	struct fleet_flight *x = fleet_flight_of(flight);
	struct quest q;
	uint64_t began;
	int r;

	policy = policy ? policy : &call_no_policy;
	began = policy->wait_timeout_ms ? sys.now() : 0;
	fleet_flight_clear(x);
	if (fleet->cookie != process_cookie())
		return -ECHILD;
	r = begin_here(fleet, key, key_len, policy, terms, x, result);
	/* Uncoordinated callers, and those outside the segment, ask nobody. */
	if (r != SFSHM_LEADER || !result->coordinated)
		return r;
	q = (struct quest){
		.fleet = fleet,
		.policy = policy,
		.terms = terms,
		.x = x,
		.f = flight_of(&x->host),
		.result = result,
		.answer = ENGINE_NO_ANSWER,
		.deadline = deadline_of(policy, began),
	};
	q.request = engine_request(fleet, q.f->map, key, key_len);
	q.request.newer_than = terms->newer_than;
	if (policy->flags & SFSHM_REFRESH && !terms->newer_than)
		q.request.newer_than = UINT64_MAX;
	return pursue_guarded(&q);
}

int sfshm_fleet_begin(struct sfshm_fleet *fleet, const void *key,
		      size_t key_len, const struct sfshm_policy *policy,
		      struct sfshm_fleet_flight *flight,
		      struct sfshm_result *result)
{
	static const struct fleet_terms usual;
	struct sfshm_policy own;
	int r;

	if (!fleet || !flight)
		return -EINVAL;
	fleet_flight_clear(fleet_flight_of(flight));
	r = sized_adopt(&policy, &own);
	return r ? r :
		   fleet_begin(fleet, key, key_len, policy, &usual, flight,
			       result);
}
