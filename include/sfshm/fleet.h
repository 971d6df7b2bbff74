/* SPDX-License-Identifier: MIT */
/*
 * Fleets: one leader per key among the processes of several hosts.
 *
 * Each host has a segment, which the processes of that host use as they would
 * without a fleet. Only the caller that leads in its host asks an engine that
 * all hosts reach, such as Redis or etcd, whether another host has the value or
 * leads already. So each host makes two requests per fill, however many
 * processes it has, and none for a hit; renewals of a lease and large values
 * take further requests. <sfshm/fleet-redis.h> and <sfshm/fleet-etcd.h> have
 * engines; <sfshm/fleet-ops.h> says what an engine is; <sfshm/fleet-do.h> has
 * sfshm_fleet_do().
 *
 *	struct sfshm_fleet *fleet;
 *
 *	r = sfshm_fleet_open(&fleet, handle, sfshm_fleet_redis(),
 *			     "redis://10.0.0.5/0?ns=shop", NULL);
 *	r = sfshm_fleet_do(fleet, key, key_len, &policy, work, arg, &result);
 *
 * The leader holds a lease on the key in the engine; a thread of the library
 * renews the lease. The lease belongs to the host, and its token to the flight:
 * if the leader dies, the next leader of the same host inherits the lease with
 * a higher token. If the host dies, its lease runs out. A leader that was
 * stopped for longer than its lease is fenced: the engine refuses its value.
 *
 * If the engine does not answer, each host works for itself, and result.fleet
 * is 0; or, with SFSHM_FLEET_STRICT, calls fail with -EHOSTUNREACH. In both
 * cases one call per host tries the engine again after options.retry_ms, and
 * the other calls do not wait for the engine. docs/fleet.md says what each
 * engine promises.
 *
 * Unless a comment says otherwise, each call here is thread-safe, must not be
 * made in a signal handler, and returns -ECHILD in a forked child for a fleet
 * or flight of the parent, even if the handle follows forks.
 */
#ifndef SFSHM_FLEET_H
#define SFSHM_FLEET_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/* A segment's membership in a fleet, for the threads of one process. */
struct sfshm_fleet;

/* An engine, see <sfshm/fleet-ops.h>. */
struct sfshm_fleet_ops;

enum sfshm_fleet_flags {
	/* If the engine does not answer, return -EHOSTUNREACH, and if it
	   refuses the key, -EREMOTE; without this flag the caller leads for
	   its host alone. */
	SFSHM_FLEET_STRICT = 1 << 0,
};

/*
 * Options for a fleet. Zero-initialise it, set `size` to its sizeof, and fill
 * in what differs from the defaults. Times are milliseconds.
 */
struct sfshm_fleet_options {
	size_t size;
	uint32_t flags;      /* enum sfshm_fleet_flags */
	uint32_t lease_ms;   /* how long the other hosts wait for a host that
				is gone: 100 to 2^31 - 1; 0: 10000 */
	uint32_t command_ms; /* limit of one request to the engine; 0: 500 */
	uint32_t retry_ms;   /* time between two tries of an engine that does
				not answer; 0: 1000 */
	uint32_t jitter;     /* 0 to 100 percent: this host shortens the
				lifetime of each value from another host at
				random, by up to this share */
	uint32_t reserved;   /* 0 */
	char *why;           /* buffer for one line on a failure; or NULL */
	size_t why_size;     /* bytes of `why` */
};

/*
 * Makes the segment behind `handle` a member of the fleet that `url` names, and
 * stores the membership in *out. The engine's header gives the form of `url`.
 * The library does not ask the engine before a flight begins, so an engine that
 * does not answer is no error here. `options` may be NULL. The handle must stay
 * open until the fleet is closed. Returns 0; -EINVAL, an argument is out of
 * range or the engine refuses the URL; -E2BIG; -ENOMEM; or the error of reading
 * a file that the URL names. On failure *out is NULL, and options->why has a
 * line unless options->size is wrong. Never waits for the engine. If the caller
 * dies inside, nothing is left. A forked child opens a fleet of its own, for
 * which it may use the parent's handle if that follows forks.
 */
int sfshm_fleet_open(struct sfshm_fleet **out, struct sfshm *handle,
		     const struct sfshm_fleet_ops *ops, const char *url,
		     const struct sfshm_fleet_options *options) SFSHM_CHECKED;

/*
 * Closes the membership and its connections, and ends the library's thread;
 * does nothing for NULL. No other call may use the fleet meanwhile or later.
 * Returns 0; or -EBUSY, and nothing has changed: a flight that has a lease in
 * the engine has not ended. Waits for the request that the library's thread is
 * making, and gives back the leases that are left. Each of these requests takes
 * options.command_ms at most; if the engine does not answer one, the call makes
 * no other. A forked child makes this call to close the descriptors of its
 * parent's fleet.
 */
int sfshm_fleet_close(struct sfshm_fleet *fleet) SFSHM_CHECKED;

/*
 * A flight that the caller leads: in its segment, and, unless the engine is
 * away, in the whole fleet. `host` is the flight in the segment. The calls of
 * <sfshm/flight.h> that do not end a flight work with `host`:
 * sfshm_flight_ttl(), sfshm_extend(), sfshm_abandoned() and so on.
 * sfshm_publish() with `host` publishes in this segment alone. Only the library
 * uses `opaque`.
 */
struct sfshm_fleet_flight {
	struct sfshm_flight host;
	uint64_t opaque[8];
};

#define SFSHM_FLEET_FLIGHT_INIT                               \
	{                                                     \
		.host = { .opaque = { 0 } }, .opaque = { 0 }, \
	}

/*
 * sfshm_begin() for a fleet. Returns as that call does. SFSHM_LEADER means that
 * this caller leads in the fleet, or in its host if the engine is away or
 * refuses the key: then sfshm_fleet_token() is 0. With result->fleet 1,
 * SFSHM_CACHED means that the engine had the value of another host, and
 * SFSHM_AWAITED that another host led and this caller waited for it. Also
 * returns
 *
 *   -EHOSTUNREACH  SFSHM_FLEET_STRICT: the engine does not answer, and the
 *                  segment has no result that the policy accepts. Try again
 *                  later.
 *   -EREMOTE       The same, but the engine answers and refuses this key alone.
 *   -ESTALE        While this caller led in its host and waited for another
 *                  host, another caller of its host took the flight. Ask again.
 *
 * While another host leads, one caller of this host waits for it, and the
 * others wait for that caller, or take a stale value if their policy accepts
 * one. The caller that waits for the other host wakes every 125 ms to look at
 * its cancel token and deadline; its sleep is a cancellation point. If that
 * caller dies, one of the others takes its place.
 *
 * The whole policy holds, with these differences:
 *
 *   - SFSHM_FOLLOW, max_waiters, claim_key, the breaker and -EDEADLK concern
 *     this host alone.
 *   - beta counts as 0, since each host would refresh for itself.
 *   - With SFSHM_INTR a signal handler ends a wait for another host even if the
 *     handler has SA_RESTART. It does not cut a request to the engine short.
 *   - After lock_age_ms a caller of the same host may take the flight, and so
 *     fences the leader in the whole fleet. Without lock_age_ms the library
 *     still renews the lease in the engine for as long as the process runs.
 *
 * With SFSHM_DETACHED any thread of the process may make the calls below, one
 * at a time. If two threads end the flight at once, one gets -ESTALE, and the
 * engine gets the result of the other one only. If sfshm_release_all() has
 * released the flight, the lease ends when the program calls
 * sfshm_fleet_cleanup() for the flight; without that call the lease ends when
 * the library would renew it, within a third of options.lease_ms.
 */
int sfshm_fleet_begin(struct sfshm_fleet *fleet, const void *key,
		      size_t key_len, const struct sfshm_policy *policy,
		      struct sfshm_fleet_flight *flight,
		      struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Ends the flight with a value, first in the engine, then in the segment.
 * Returns as sfshm_publish(); and -ESTALE also if the engine has fenced this
 * leader: no part of the value became visible, and the next caller gets what
 * the fleet has. But -ESTALE together with sfshm_fleet_shared() 1 says that the
 * engine accepted the value, so the other hosts get it; then another caller of
 * this host ended the flight in the segment, by sfshm_put() or an invalidation,
 * and this host keeps what that caller left. The engine keeps the leader's
 * value until sfshm_fleet_invalidate() or the end of its lifetime.
 *
 * If the engine does not answer, the call publishes in the segment alone,
 * returns as sfshm_publish(), and sfshm_fleet_shared() is 0. The other hosts do
 * not get a value that is larger than the segment's max_value, or larger than
 * the engine accepts.
 *
 * Waits for the engine, for options.command_ms at most. If the leader dies
 * inside, the engine has the whole value or none of it. If it has the value,
 * the host's next leader gets it from the engine.
 */
int sfshm_fleet_publish(struct sfshm_fleet_flight *flight, const void *data,
			size_t len) SFSHM_CHECKED;
int sfshm_fleet_publishv(struct sfshm_fleet_flight *flight,
			 const struct iovec *iov, int count) SFSHM_CHECKED;

/*
 * Ends the flight with an error for all hosts, as sfshm_fail() does for one.
 * Returns as sfshm_fail(), or -ESTALE as sfshm_fleet_publish(); waits as that
 * call does.
 */
int sfshm_fleet_fail(struct sfshm_fleet_flight *flight, int code,
		     const char *message) SFSHM_CHECKED;

/*
 * Ends the flight without a result. A follower of this host leads next; if
 * there is none, a caller that waits in another host leads. Returns as
 * sfshm_release(). Waits for the engine, for options.command_ms at most.
 */
int sfshm_fleet_release(struct sfshm_fleet_flight *flight);

/* Releases the flight unless it has ended, as sfshm_flight_cleanup() does. */
void sfshm_fleet_cleanup(struct sfshm_fleet_flight *flight);

/*
 * Returns the flight's token, which grows with each flight of the key in the
 * whole fleet; or 0, the flight is of this host alone. Pass the token to the
 * resource that the work changes, so that this resource can refuse a lower
 * token than it has seen. The token stays until the struct is used for another
 * flight. Never blocks; works in a forked child.
 */
uint64_t sfshm_fleet_token(const struct sfshm_fleet_flight *flight);

/*
 * Returns 1 once the library has learned that another host has the lease, so
 * that the work may stop; else 0; or -ECHILD, -EINVAL. Any thread may make this
 * call while the flight goes on. Never waits for the engine.
 */
int sfshm_fleet_lost(const struct sfshm_fleet_flight *flight) SFSHM_CHECKED;

/*
 * Returns, after the flight has ended, 1 if the engine has the result for the
 * other hosts, even if the call that ended the flight returned -ESTALE; else 0;
 * or -EINVAL. Never blocks; works in a forked child.
 */
int sfshm_fleet_shared(const struct sfshm_fleet_flight *flight) SFSHM_CHECKED;

/*
 * Declares the key's value out of date, in the engine and in this segment, and
 * fences a leader under way in any host. `flags` are those of
 * sfshm_invalidate(). Other hosts keep the values in their segments until their
 * lifetimes end. Returns 0, even if nobody had a value; -EHOSTUNREACH, the
 * engine does not answer, and only this segment's value is out of date: try
 * again later; -EREMOTE, the same, but the engine refuses this key alone; or an
 * error as sfshm_invalidate(). Waits for the engine, for
 * options.command_ms at most. If the caller dies inside, perhaps only the
 * engine's value is out of date.
 */
int sfshm_fleet_invalidate(struct sfshm_fleet *fleet, const void *key,
			   size_t key_len, uint32_t flags) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
