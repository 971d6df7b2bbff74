/* SPDX-License-Identifier: MIT */
/*
 * A process's connections to one cluster. Requests share a few of them; each
 * key that waits for another host has one of its own. A call closes connections
 * that have been idle for ten seconds.
 */
#ifndef ETCD_POOL_H
#define ETCD_POOL_H

#include <pthread.h>

#include "etcd/conn.h"

/* The most connections at a time: for requests, and for waits. */
#define POOL_REQUESTS 8
#define POOL_WATCHES 56
#define POOL_MAX (POOL_REQUESTS + POOL_WATCHES)

struct pool {
	struct url url;
	pthread_mutex_t lock;
	/* a request has given its connection back; CLOCK_MONOTONIC */
	pthread_cond_t given;
	struct conn conns[POOL_MAX];
	int watches;         /* busy ones that wait for other hosts */
	int requests;        /* busy ones that make requests */
	unsigned int member; /* that answered last */
	char *token;         /* of the log-in; NULL: none */
};

void etcd_pool_init(struct pool *p);

/* Closes all connections; with `forked`, closes only their descriptors. */
void etcd_pool_end(struct pool *p, bool forked);

/*
 * Stores in *out a connection for this caller alone. A request waits until one
 * is free; a watch gets -EMFILE instead. Returns 0, -ETIMEDOUT or -EMFILE.
 */
int etcd_pool_take(struct pool *p, bool watch, uint64_t deadline,
		   struct conn **out);

/* Gives a connection back, and ends its request. */
void etcd_pool_give(struct pool *p, struct conn *c, bool watch);

/* Returns a copy of the log-in's token, or NULL; the caller frees it. */
char *etcd_pool_token(struct pool *p);

/* Sets it; NULL: there is none. */
void etcd_pool_set_token(struct pool *p, const char *token);

#endif
