/* SPDX-License-Identifier: MIT */
/* The engine, and what its operations share. */
#ifndef ETCD_ETCD_H
#define ETCD_ETCD_H

#include "etcd/record.h"

struct etcd {
	struct pool pool;
	uint32_t command_ms;
	uint64_t base; /* of the name space, as it was last read; a guess */
};

/* The longest value. A cluster's --max-request-bytes (1.5 MiB by default) also
   bounds the request around it. */
#define ETCD_BYTES_MAX ((size_t)1 << 20)

/* A call of an operation, about one key. */
struct etcd_task {
	struct etcd *engine;
	const struct sfshm_fleet_request *request;
	struct names names;
	struct records seen;
	/* An etcd lease that this call has got, or whose record it has
	   replaced; 0: none. */
	uint64_t grant;
};

/* etcd_end() must follow. Returns 0 or -ENOMEM. */
int etcd_begin(struct etcd_task *c, void *engine,
	       const struct sfshm_fleet_request *request);
void etcd_end(struct etcd_task *c);

/* Reads the key's records. */
int etcd_look(struct etcd_task *c);

/* Gets an etcd lease of at least that time, if the call has none yet. */
int etcd_grant(struct etcd_task *c, uint64_t ms);

/*
 * Returns the call's etcd lease if no record has it. A record may have it even
 * if etcd_try() has returned 0: if the answer to a transaction is lost, the
 * transaction is repeated, and then finds what it has written itself. The
 * answer does not matter.
 */
void etcd_give_back_grant(struct etcd_task *c);

/*
 * Makes the transaction, and frees it. Returns 1, it was made; 0, c->seen has
 * changed (or the etcd lease had run out, and is forgotten): decide again; or
 * an error.
 */
int etcd_try(struct etcd_task *c, struct txn *t);

/* Adds the lease as its record has it; `kind` is + or =, of the number. */
void etcd_lease_text(const struct sfshm_fleet_request *q, char kind,
		     uint64_t number, struct text *text);

/* Whether the request's holder has the lease. */
bool etcd_is_holder(const struct etcd_task *c);

/* Whether the lease is the request's (holder, token). */
bool etcd_is_mine(const struct etcd_task *c);

/* Whether the records let a leader whose lease etcd has lost go on. */
bool etcd_may_reclaim(const struct etcd_task *c);

/*
 * Adds the comparisons to a transaction that gives a new token, and raises the
 * base if it must: TOKEN-2. Returns 0 with the base, or -EPROTO: a token is too
 * high.
 */
int etcd_raise_base(const struct etcd_task *c, struct txn *t, uint64_t *base);

/* The operations of <sfshm/fleet-ops.h>: lease.c, end.c, watch.c. */
int etcd_publish(void *engine, const struct sfshm_fleet_request *q,
		 struct sfshm_fleet_answer *a);
int etcd_release(void *engine, const struct sfshm_fleet_request *q,
		 struct sfshm_fleet_answer *a);
int etcd_invalidate(void *engine, const struct sfshm_fleet_request *q,
		    struct sfshm_fleet_answer *a);
int etcd_acquire(void *engine, const struct sfshm_fleet_request *q,
		 struct sfshm_fleet_answer *a);
int etcd_renew(void *engine, const struct sfshm_fleet_request *q,
	       struct sfshm_fleet_answer *a);
int etcd_watch(void *engine, const struct sfshm_fleet_request *q, void **watch);
int etcd_next(void *watch, uint64_t until_ns, struct sfshm_fleet_answer *a);
void etcd_unwatch(void *watch);

/* Gives the value that the records have: 0, or -ENOMEM. */
int etcd_take_value(struct sfshm_fleet_answer *a, const struct records *s,
		    enum sfshm_fleet_verdict verdict, uint64_t left_ms);

#endif
