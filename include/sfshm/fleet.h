/* SPDX-License-Identifier: MIT */
/*
 * Fleets: one leader per key among the processes of several hosts.
 *
 * Each host has its segment, and works in it as without a fleet. Only the host
 * flight's leader asks an engine that all hosts reach, such as Redis, whether
 * another host has the value or leads already. So the engine hears of a host
 * at most twice per fill, however many processes the host has, and never of a
 * hit. <sfshm/fleet-redis.h> has an engine; <sfshm/fleet-ops.h> says what an
 * engine is; <sfshm/fleet-do.h> has sfshm_fleet_do().
 *
 *	struct sfshm_fleet *fleet;
 *
 *	r = sfshm_fleet_open(&fleet, handle, sfshm_fleet_redis(),
 *			     "redis://10.0.0.5/0?ns=shop", NULL);
 *	r = sfshm_fleet_do(fleet, key, key_len, &policy, work, arg, &result);
 *
 * The leader holds a lease on the key in the engine, which a thread of the
 * library renews. The lease belongs to the host and its token to the flight:
 * if the leader dies, the next leader of the same host inherits the lease with
 * a higher token. If the host dies, its lease runs out. A leader that was
 * stopped for longer than its lease is fenced: the engine refuses its value.
 *
 * If the engine does not answer, each host works for itself, and result.fleet
 * is 0; or, with SFSHM_FLEET_STRICT, calls fail with -EHOSTUNREACH. In both
 * cases one call per host and second tries the engine again, and the others do
 * not wait for it. docs/fleet.md says what each engine promises.
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
	/* If the engine does not answer: -EHOSTUNREACH instead of work for this
	   host alone. */
	SFSHM_FLEET_STRICT = 1 << 0,
};

/*
 * Options for a fleet. Zero-initialise it, set `size` to its sizeof, and fill
 * in what differs from the defaults. Times are milliseconds.
 */
struct sfshm_fleet_options {
	size_t size;
	uint32_t flags;      /* enum sfshm_fleet_flags */
	uint32_t lease_ms;   /* how long the fleet waits for a host that is
				gone; 0: 10000; at least 100, at most 2^31 */
	uint32_t command_ms; /* one request to the engine may take so long;
				0: 500 */
	uint32_t retry_ms;   /* between two tries of an engine that does not
				answer; 0: 1000 */
	uint32_t jitter;     /* percent (0 to 100): this host ends the
				lifetimes of other hosts' values earlier by up
				to so much, at random */
	uint32_t reserved;   /* 0 */
	char *why;           /* buffer for one line on a failure; or NULL */
	size_t why_size;     /* bytes of `why` */
};

/*
 * Makes the segment behind `handle` a member of the fleet that `url` names, and
 * stores the membership in *out. The engine reads `url`; it is asked for the
 * first time when a flight begins, so an engine that does not answer is no
 * error here. `options` may be NULL. The handle must stay open until the fleet
 * is closed. Returns 0; -EINVAL, an argument is out of range or the engine
 * refuses the URL; -E2BIG; -ENOMEM; or the error of reading a file that the URL
 * names. On failure *out is NULL and options->why has a line. Never waits for
 * the engine. Thread-safe; not for signal handlers. In a forked child all calls
 * with the parent's fleet or flights but sfshm_fleet_close() return -ECHILD,
 * also if the handle follows forks; the child opens a fleet of its own, which
 * may be with that handle.
 */
int sfshm_fleet_open(struct sfshm_fleet **out, struct sfshm *handle,
		     const struct sfshm_fleet_ops *ops, const char *url,
		     const struct sfshm_fleet_options *options) SFSHM_CHECKED;

/*
 * Closes the membership and its connections, and ends the library's thread. No
 * other call may use the fleet meanwhile or later. Returns 0; or -EBUSY, and
 * nothing has changed: flights of this fleet have not ended. Waits for a
 * request to the engine that is under way, and for one more, for
 * options.command_ms each at most. A forked child calls it to close the
 * descriptors of its parent's fleet.
 */
int sfshm_fleet_close(struct sfshm_fleet *fleet) SFSHM_CHECKED;

/*
 * A flight that the caller leads: `host` in its segment, and, unless the engine
 * is away, in the whole fleet. The calls of <sfshm/flight.h> that do not end a
 * flight work with `host`: sfshm_flight_ttl(), sfshm_extend(),
 * sfshm_abandoned() and so on. sfshm_publish() with `host` publishes in this
 * segment alone. Only the library uses `opaque`.
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
 * sfshm_begin() for a fleet. Returns as that call does; SFSHM_LEADER means that
 * this caller leads in the fleet, or in its host if the engine is away
 * (sfshm_fleet_token() is 0 then). SFSHM_CACHED with result->fleet 1 means that
 * the engine had the value of another host, SFSHM_AWAITED with result->fleet 1
 * that another host led and this caller waited for it. Besides:
 *
 *   -EHOSTUNREACH  SFSHM_FLEET_STRICT: the engine does not answer, and the
 *                  segment has no fresh result. Try again later.
 *   -ESTALE        While this caller waited for another host, a caller of this
 *                  host took its flight. Ask again.
 *
 * While another host leads, one caller of this host waits for it, and the
 * others wait for that caller, or take a stale value if their policy accepts
 * one. The caller that waits for the other host wakes every 125 ms to look at
 * its cancel token and deadline. The whole policy holds, with these
 * differences: SFSHM_FOLLOW, max_waiters, claim_key, the breaker and -EDEADLK
 * are about this host alone; beta counts as 0, since each host would refresh
 * for itself; with SFSHM_INTR a handler ends a wait for another host also if it
 * has SA_RESTART, but it does not cut a request to the engine short; after the
 * policy's lock_age_ms a caller of the same host takes the flight, and fences
 * the leader in the whole fleet. A policy without lock_age_ms still has the
 * lease in the engine, which is renewed for as long as the process runs.
 *
 * With SFSHM_DETACHED any thread of the process may make the calls below, one
 * at a time; of two threads that end the flight at once, one gets -ESTALE and
 * the engine hears of the other alone. If the flight is given back by
 * sfshm_release_all(), its lease ends when it would be renewed, which is within
 * a third of options.lease_ms, or with sfshm_fleet_cleanup().
 */
int sfshm_fleet_begin(struct sfshm_fleet *fleet, const void *key,
		      size_t key_len, const struct sfshm_policy *policy,
		      struct sfshm_fleet_flight *flight,
		      struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Ends the flight with a value, first in the engine, then in the segment.
 * Returns as sfshm_publish(), with these differences: -ESTALE also if the
 * engine has fenced this leader; nothing became visible, and the next caller
 * gets what the fleet has. If the engine does not answer, the value is
 * published in the segment alone, and the outcome is that of sfshm_publish();
 * sfshm_fleet_shared() tells. A value that is larger than the segment's
 * max_value, or than the engine takes, is not shared with other hosts.
 *
 * Waits for the engine, for options.command_ms at most. If the leader is killed
 * inside, the fleet has the whole value or none of it, and in the first case
 * the host's next leader gets the value from the engine.
 */
int sfshm_fleet_publish(struct sfshm_fleet_flight *flight, const void *data,
			size_t len) SFSHM_CHECKED;
int sfshm_fleet_publishv(struct sfshm_fleet_flight *flight,
			 const struct iovec *iov, int count) SFSHM_CHECKED;

/*
 * Ends the flight with an error, as sfshm_fail() does, for all hosts. Returns
 * as sfshm_fail(), or -ESTALE as sfshm_fleet_publish().
 */
int sfshm_fleet_fail(struct sfshm_fleet_flight *flight, int code,
		     const char *message) SFSHM_CHECKED;

/*
 * Ends the flight without a result. A follower of this host leads next, or, if
 * there is none, a caller of a host that waits. Returns as sfshm_release().
 */
int sfshm_fleet_release(struct sfshm_fleet_flight *flight);

/* Releases the flight unless it has ended; as sfshm_flight_cleanup(). */
void sfshm_fleet_cleanup(struct sfshm_fleet_flight *flight);

/*
 * Returns the flight's token, which grows with each flight of the key in the
 * whole fleet, or 0: the flight is of this host alone. Pass it to the resource
 * that the work changes; that resource can refuse a lower one than it has seen.
 * Valid until the struct is used for another flight. Never blocks.
 */
uint64_t sfshm_fleet_token(const struct sfshm_fleet_flight *flight);

/*
 * Returns 1 once the library has learned that another host has the lease, so
 * that the work may stop; else 0; or -ECHILD. Any thread may call this while
 * the flight goes on. Never waits for the engine.
 */
int sfshm_fleet_lost(const struct sfshm_fleet_flight *flight) SFSHM_CHECKED;

/*
 * After the flight has ended: 1, the engine has the result for the other hosts;
 * 0, it does not. Never blocks.
 */
int sfshm_fleet_shared(const struct sfshm_fleet_flight *flight) SFSHM_CHECKED;

/*
 * Declares the key's value out of date, in the engine and in this segment
 * (`flags` as in sfshm_invalidate()), and fences a leader under way in any
 * host. Other hosts keep what their segments have until its lifetime ends.
 * Returns 0, also if nobody had a value; -EHOSTUNREACH, the engine does not
 * answer, and only this segment's value is out of date; or an error as
 * sfshm_invalidate(). Waits for the engine, for options.command_ms at most.
 */
int sfshm_fleet_invalidate(struct sfshm_fleet *fleet, const void *key,
			   size_t key_len, uint32_t flags) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
