/* SPDX-License-Identifier: MIT */
#include "redis/pool.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "redis/dial.h"

#define IDLE_NS (10 * NS_PER_S)

void pool_init(struct pool *p)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->given, &attr);
	pthread_condattr_destroy(&attr);
	for (int i = 0; i < POOL_MAX; i++)
		p->conns[i].fd = -1;
}

void pool_end(struct pool *p, bool forked)
{
	for (int i = 0; i < POOL_MAX; i++) {
		struct conn *c = &p->conns[i];
		int fd = __atomic_load_n(&c->fd, __ATOMIC_RELAXED);

		if (!forked)
			conn_close(c);
		else if (fd >= 0)
			close(fd);
	}
	if (forked)
		return;
	pthread_cond_destroy(&p->given);
	pthread_mutex_destroy(&p->lock);
}

/* Called with the lock held. */
static void close_idle(struct pool *p, const struct conn *spared)
{
	uint64_t now = clock_ns();

	for (int i = 0; i < POOL_MAX; i++) {
		struct conn *c = &p->conns[i];

		if (c != spared && !c->busy && c->fd >= 0 &&
		    now - c->used > IDLE_NS)
			conn_close(c);
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
		    (c->fd >= 0 && (best->fd < 0 || c->used > best->used)))
			best = c;
	}
	return best;
}

/* Called with the lock held. Waits for a command's turn: 0 or an error. */
static int queue(struct pool *p, bool watch, uint64_t deadline)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline / NS_PER_S),
		.tv_nsec = (long)(deadline % NS_PER_S),
	};

	if (watch)
		return p->watches < POOL_WATCHES ? 0 : -EMFILE;
	while (p->commands >= POOL_COMMANDS)
		if (pthread_cond_timedwait(&p->given, &p->lock, &until))
			return -ETIMEDOUT;
	return 0;
}

int pool_take(struct pool *p, bool anew, bool watch, uint64_t deadline,
	      struct conn **out)
{
	struct conn *c = NULL;
	uint32_t era;
	int r;

	pthread_mutex_lock(&p->lock);
	era = p->era;
	r = queue(p, watch, deadline);
	if (!r) {
		c = choose(p);
		c->busy = true;
		*(watch ? &p->watches : &p->commands) += 1;
		close_idle(p, c);
	}
	pthread_mutex_unlock(&p->lock);
	*out = c;
	if (r)
		return r;
	if (c->fd >= 0 && (anew || c->era != era || conn_is_stale(c)))
		conn_close(c);
	c->era = era;
	if (c->fd < 0)
		r = dial(c, &p->url, deadline);
	if (r)
		pool_give(p, c, watch, true);
	return r;
}

void pool_forget(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->era++;
	pthread_mutex_unlock(&p->lock);
}

void pool_give(struct pool *p, struct conn *c, bool watch, bool broken)
{
	if (broken)
		conn_close(c);
	pthread_mutex_lock(&p->lock);
	c->busy = false;
	c->used = clock_ns();
	*(watch ? &p->watches : &p->commands) -= 1;
	if (!watch)
		pthread_cond_signal(&p->given);
	pthread_mutex_unlock(&p->lock);
}
