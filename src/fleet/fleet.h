/* SPDX-License-Identifier: MIT */
/*
 * Fleets: the states of a key's host flight (its flight in the segment of this
 * host) towards the engine.
 *
 *	state     event                       action, next state
 *	ASKING    the engine has a result     publish it here: done
 *	          another host leads          WAITING
 *	          the lease is ours           LEADING
 *	          the engine is away,
 *	          or refuses the key          ALONE, or an error
 *	WAITING   a result is announced       publish it here: done
 *	          a release, or the other
 *	          lease's end, or the
 *	          connection's end            ASKING
 *	          deadline or cancel token    release the host flight: done
 *	LEADING   a third of the lease        renew it
 *	          the work ends               publish in the engine, then here
 *	          the engine fences it        release the host flight: done
 *	          released, cancelled         release here, then in the engine
 *	ALONE     the work ends               publish here
 *
 * The host flight protects all these states: if its leader dies, a follower
 * takes over and begins at ASKING. The segment does not record the state, so no
 * death leaves a wrong record. The lease's holder is the segment and its
 * successors (segment/holder.h), and so the follower gets the dead leader's
 * lease at once, with a higher token.
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include <sfshm/fleet-ops.h>

#include "fleet/lease.h"
#include "os/overlay.h"
#include "sync/flight.h"

struct sfshm_fleet {
	struct sfshm *handle;
	const struct sfshm_fleet_ops *ops;
	void *engine;
	uint64_t cookie;   /* of the process that opened it */
	uint64_t url_hash; /* names the engine's breaker: breaker.h */
	uint32_t flags;
	uint32_t lease_ms;
	uint32_t command_ms;
	uint32_t retry_ms;
	uint32_t jitter;
	struct leases leases;
};

/* The contents of struct sfshm_fleet_flight. */
struct fleet_flight {
	struct sfshm_flight host;
	struct sfshm_fleet *fleet;
	uint64_t lease;  /* number; 0: none, or it has ended */
	uint64_t token;  /* 0: this host leads alone */
	uint32_t ending; /* SFSHM_DETACHED: a thread is about to end it */
	bool shared;     /* the engine has the flight's result */
	bool fenced;     /* the engine has refused the result */
} overlay;
OVERLAY_FITS(struct fleet_flight, struct sfshm_fleet_flight);

static inline struct fleet_flight *
fleet_flight_of(const struct sfshm_fleet_flight *flight)
{
	return (struct fleet_flight *)(uintptr_t)flight;
}

/* Makes *x a flight that has ended. */
static inline void fleet_flight_clear(struct fleet_flight *x)
{
	struct flight *f = flight_of(&x->host);

	f->map = NULL;
	f->alone = false;
	x->fleet = NULL;
	x->lease = x->token = 0;
	x->ending = 0;
	x->shared = x->fenced = false;
}

/* How a call wants to begin; all zeroes for sfshm_fleet_begin(). */
struct fleet_terms {
	uint64_t newer_than; /* only a result above this token will do */
	bool never_leads;    /* return -ESTALE rather than lead */
	bool may_run_alone;  /* run the work even without a usable segment */
};

/* sfshm_fleet_begin() on terms. The policy has this library's size. */
int fleet_begin(struct sfshm_fleet *fleet, const void *key, size_t key_len,
		const struct sfshm_policy *policy,
		const struct fleet_terms *terms,
		struct sfshm_fleet_flight *flight, struct sfshm_result *result);

/*
 * Ends the flight's lease in the engine, if the flight has one. Called when the
 * host flight has ended or has another leader, or when its value is for the
 * leader alone. Does nothing in a forked child.
 */
void fleet_let_go(struct fleet_flight *x);

/*
 * Gives the flight's outcome to the other hosts and ends its lease, if the
 * flight has one. Returns 0, and the host flight may end with the same outcome;
 * or -ESTALE, the engine has fenced the leader.
 */
int fleet_share(struct fleet_flight *x, int code, const struct iovec *iov,
		int count);

#endif
