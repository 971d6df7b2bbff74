/* SPDX-License-Identifier: MIT */
/*
 * The leases that a process holds in a fleet's engine, and the thread that
 * renews them.
 *
 * A flight names its lease by a number. If its thread ends without ending the
 * flight, the renewing thread finds that the host flight stands no more, and
 * gives the lease back: unless the host's next leader has inherited it, for the
 * engine then refuses the old token. If the engine does not answer, the thread
 * tries again for as long as the lease can last.
 *
 *  LEASE-1. At most one request of a lease is under way. So no renewal that
 *           was sent before a release reaches the engine after it, as long as
 *           the engine answers; a late one meets the fence of the release.
 *  LEASE-2. A lease counts as alive for nine tenths of its time since before
 *           the request that granted it was sent, by this host's
 *           CLOCK_BOOTTIME. The engine lets it run out later than that, unless
 *           the two clocks run differently by a tenth.
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
	bool lost;         /* the engine has said so */
	bool over;         /* to be given back, not renewed */
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

/* Ends the thread. Nobody uses the fleet any more. */
void leases_end(struct sfshm_fleet *fleet);

/*
 * Notes the lease that the engine has granted to the flight `f`: a request sent
 * at `sent` (CLOCK_BOOTTIME). Returns 0 with its number, or -ENOMEM. Without a
 * thread to renew it, the lease runs out.
 */
int lease_add(struct sfshm_fleet *fleet,
	      const struct sfshm_fleet_request *request, uint64_t sent,
	      const struct flight *f, uint64_t *number);

/*
 * Takes the lease out of the renewing thread's hands; NULL if it is not there.
 * Waits while that thread has a request under way.
 */
struct lease *lease_take(struct sfshm_fleet *fleet, uint64_t number);

/* Whether the lease cannot have run out: LEASE-2. */
bool lease_is_alive(const struct lease *l);

/* Whether the leader of the lease's flight still has it in the segment. */
bool lease_flight_stands(const struct lease *l);

/* Frees a lease that was taken. */
void lease_free(struct lease *l);

/*
 * Ends a lease that was taken, in the engine, and frees it. If the engine does
 * not answer, leaves that to the renewing thread. The lease's flight is about
 * to end, or has ended.
 */
void lease_give_back(struct sfshm_fleet *fleet, struct lease *l);

/* Whether the engine has said that the lease is lost. */
bool lease_is_lost(struct sfshm_fleet *fleet, uint64_t number);

#endif
