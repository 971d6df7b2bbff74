/* SPDX-License-Identifier: MIT */
/*
 * A process's connections to one server. Commands share a few of them; each key
 * that waits for another host has one of its own. A call closes connections
 * that have been idle for ten seconds.
 */
#ifndef REDIS_POOL_H
#define REDIS_POOL_H

#include <pthread.h>

#include "redis/conn.h"

/* The most connections at a time: for commands, and for waits. */
#define POOL_COMMANDS 8
#define POOL_WATCHES 56
#define POOL_MAX (POOL_COMMANDS + POOL_WATCHES)

struct pool {
	struct url url;
	pthread_mutex_t lock;
	/* a command has given its connection back; CLOCK_MONOTONIC */
	pthread_cond_t given;
	struct conn conns[POOL_MAX];
	int watches;  /* busy ones that wait for other hosts */
	int commands; /* busy ones that run commands */
	uint32_t era; /* connections of an earlier one are not used again */
};

void pool_init(struct pool *p);

/* Closes all connections; with `forked`, closes only their descriptors. */
void pool_end(struct pool *p, bool forked);

/*
 * Stores in *out an open connection for this caller alone: an idle one if there
 * is one; with `anew`, always a new one. A command waits until a connection is
 * free; a watch gets -EMFILE instead. Returns 0, -ETIMEDOUT, -EMFILE, or an
 * error as dial().
 */
int pool_take(struct pool *p, bool anew, bool watch, uint64_t deadline,
	      struct conn **out);

/* Lets no connection that is open now be used again. */
void pool_forget(struct pool *p);

/* Gives a connection back; with `broken`, closes it. */
void pool_give(struct pool *p, struct conn *c, bool watch, bool broken);

#endif
