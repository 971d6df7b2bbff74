/* SPDX-License-Identifier: MIT */
/*
 * A process's connections to one server. One is enough for short commands; each
 * key that waits for another host has one more. An idle one is closed after
 * ten seconds, at the next call.
 */
#ifndef REDIS_POOL_H
#define REDIS_POOL_H

#include <pthread.h>

#include "redis/conn.h"

/* Connections at a time: for commands, and to wait for other hosts. */
#define POOL_COMMANDS 8
#define POOL_WATCHES 56
#define POOL_MAX (POOL_COMMANDS + POOL_WATCHES)

struct pool {
	struct url url;
	pthread_mutex_t lock;
	pthread_cond_t given; /* a command's was given back; CLOCK_MONOTONIC */
	struct conn conns[POOL_MAX];
	int watches;  /* of those that are busy */
	int commands; /* the others that are busy */
};

void pool_init(struct pool *p);

/* Closes all. With `forked`, only the descriptors. */
void pool_end(struct pool *p, bool forked);

/*
 * Returns an open connection for this caller alone in *out: an idle one, or,
 * with `anew`, a new one. A command waits until it may have one; a watch gets
 * -EMFILE instead. Or an error as conn_open().
 */
int pool_take(struct pool *p, bool anew, bool watch, uint64_t deadline,
	      struct conn **out);

/* Gives it back; with `broken`, closes it. */
void pool_give(struct pool *p, struct conn *c, bool watch, bool broken);

#endif
