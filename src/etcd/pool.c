/* SPDX-License-Identifier: MIT */
#include "etcd/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDLE_NS (10 * NS_PER_S)

void etcd_pool_init(struct pool *p)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->given, &attr);
	pthread_condattr_destroy(&attr);
	for (int i = 0; i < POOL_MAX; i++)
		etcd_conn_init(&p->conns[i]);
}

void etcd_pool_end(struct pool *p, bool forked)
{
	for (int i = 0; i < POOL_MAX; i++) {
		if (forked)
			etcd_conn_abandon(&p->conns[i]);
		else
			etcd_conn_close(&p->conns[i]);
	}
	if (forked)
		return;
	etcd_pool_set_token(p, NULL);
	pthread_cond_destroy(&p->given);
	pthread_mutex_destroy(&p->lock);
}

/* Called with the lock held. */
static void close_idle(struct pool *p, const struct conn *spared)
{
	uint64_t now = etcd_clock_ns();

	for (int i = 0; i < POOL_MAX; i++) {
		struct conn *c = &p->conns[i];

		if (c != spared && !c->busy && c->multi &&
		    now - c->used > IDLE_NS)
			etcd_conn_close(c);
	}
}

/*
 * Called with the lock held. Returns the idle connection that was used last,
 * else a place for a new one.
 */
static struct conn *choose(struct pool *p)
{
	struct conn *best = NULL;

	for (int i = 0; i < POOL_MAX; i++) {
		struct conn *c = &p->conns[i];

		if (c->busy)
			continue;
		if (!best ||
		    (c->multi && (!best->multi || c->used > best->used)))
			best = c;
	}
	return best;
}

/* Called with the lock held. Waits for a request's turn: 0 or an error. */
static int queue(struct pool *p, bool watch, uint64_t deadline)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline / NS_PER_S),
		.tv_nsec = (long)(deadline % NS_PER_S),
	};

	if (watch)
		return p->watches < POOL_WATCHES ? 0 : -EMFILE;
	while (p->requests >= POOL_REQUESTS)
		if (pthread_cond_timedwait(&p->given, &p->lock, &until))
			return -ETIMEDOUT;
	return 0;
}

int etcd_pool_take(struct pool *p, bool watch, uint64_t deadline,
		   struct conn **out)
{
	struct conn *c = NULL;
	int r;

	pthread_mutex_lock(&p->lock);
	r = queue(p, watch, deadline);
	if (!r) {
		c = choose(p);
		c->busy = true;
		*(watch ? &p->watches : &p->requests) += 1;
		close_idle(p, c);
	}
	pthread_mutex_unlock(&p->lock);
	*out = c;
	return r;
}

void etcd_pool_give(struct pool *p, struct conn *c, bool watch)
{
	etcd_conn_end(c);
	pthread_mutex_lock(&p->lock);
	c->busy = false;
	c->used = etcd_clock_ns();
	*(watch ? &p->watches : &p->requests) -= 1;
	if (!watch)
		pthread_cond_signal(&p->given);
	pthread_mutex_unlock(&p->lock);
}

char *etcd_pool_token(struct pool *p)
{
	char *copy;

	pthread_mutex_lock(&p->lock);
	copy = p->token ? strdup(p->token) : NULL;
	pthread_mutex_unlock(&p->lock);
	return copy;
}

void etcd_pool_set_token(struct pool *p, const char *token)
{
	char *copy = token ? strdup(token) : NULL, *old;

	pthread_mutex_lock(&p->lock);
	old = p->token;
	p->token = copy;
	pthread_mutex_unlock(&p->lock);
	free(old);
}
