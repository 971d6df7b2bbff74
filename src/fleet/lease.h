/* SPDX-License-Identifier: MIT */
/*
 * The leases that a process holds in a fleet's engine, and the thread that
 * renews them.
 *
 * A flight names its lease by a number. If a leader's thread ends without
 * ending the flight, the renewing thread finds that the host flight no longer
 * stands, and gives the lease back. If the host's next leader has inherited the
 * lease by then, the engine refuses the old token. If the engine does not
 * answer, the renewing thread tries again for as long as the lease can last.
 *
 *  LEASE-1. At most one request of a lease is under way. So a renewal that was
 *           sent before a release does not reach the engine after the release,
 *           as long as the engine answers. If the engine does not answer, a
 *           late renewal meets the fence of the release.
 *  LEASE-2. A lease counts as alive for nine tenths of its time. This host
 *           begins to count, by CLOCK_BOOTTIME, before it sends the request
 *           that grants or renews the lease. The engine lets the lease run out
 *           later than that, unless the speeds of the two clocks differ by a
 *           tenth.
 *
 * The thread starts with the first lease, and ends after a second without one.
 * All signals are blocked in it.
 */
#ifndef FLEET_LEASE_H
#define FLEET_LEASE_H

#include <pthread.h>
#include <sfshm/fleet-ops.h>

#include "segment/mapping.h"

struct flight;
struct sfshm_fleet;

struct lease {
	struct lease *next;
	uint64_t number;
	struct sfshm_fleet_request request; /* its key is `key` */
	uint64_t granted;  /* CLOCK_BOOTTIME, ns, before the last request */
	uint64_t renew_at; /* CLOCK_MONOTONIC, ns */
	bool renewing;     /* a request of the thread is under way: LEASE-1 */
	bool lost;         /* the engine has fenced it */
	bool over;         /* to be given back, not renewed */
	/* what the renewing thread has done for the lease; that thread has no
	   counters, so the thread that ends the flight counts this */
	uint32_t renewals;
	uint32_t reclaimed;
	/* the host flight, with a reference to the mapping */
	struct mapping *map;
	uint64_t life;
	uint64_t ctl;
	uint32_t slot;
	uint8_t key[];
};

struct leases {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* by CLOCK_MONOTONIC */
	struct lease *first;
	uint64_t last_number;
	pthread_t thread;
	bool running; /* there is a thread, to be joined */
	bool over;    /* the thread has ended by itself */
	bool stop;
};

void leases_init(struct leases *all);

/* Whether no flight has a lease. */
bool leases_none(struct sfshm_fleet *fleet);

/* Ends the thread and all leases. No other thread uses the fleet any more. */
void leases_end(struct sfshm_fleet *fleet);

/*
 * Notes the lease that the engine has granted to the flight `f`, upon a request
 * sent at `sent` (CLOCK_BOOTTIME). Returns 0 with the lease's number, or
 * -ENOMEM. If the renewing thread cannot be started, the lease runs out.
 */
int lease_add(struct sfshm_fleet *fleet,
	      const struct sfshm_fleet_request *request, uint64_t sent,
	      const struct flight *f, uint64_t *number);

/*
 * Takes the lease from the renewing thread, and waits while that thread has a
 * request of the lease under way. Returns NULL if the lease is not listed.
 */
struct lease *lease_take(struct sfshm_fleet *fleet, uint64_t number);

/* Whether the lease cannot have run out: LEASE-2. */
bool lease_is_alive(const struct lease *l);

/* Whether the host flight of the lease still stands: flight_stands(). */
bool lease_flight_stands(const struct lease *l);

/* Frees a lease that was taken. */
void lease_free(struct lease *l);

/*
 * Releases in the engine a lease that lease_take() has returned, and frees it.
 * If the engine does not answer, lists the lease again, so that the renewing
 * thread releases it. The lease's flight is about to end, or has ended.
 */
void lease_give_back(struct sfshm_fleet *fleet, struct lease *l);

/* Whether the engine has said that the lease is lost, or it is not listed. A
   lease that lease_take() has returned is not listed either. */
bool lease_is_lost(struct sfshm_fleet *fleet, uint64_t number);

#endif
