/* SPDX-License-Identifier: MIT */
#include "fleet/lease.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "fleet/engine.h"
#include "fleet/fleet.h"
#include "os/process.h"

/* How long the thread waits for another lease before it ends. */
#define IDLE_MS 1000
/* The thread's stack has room for a look-up of the engine's address. */
#define STACK_BYTES ((size_t)256 << 10)

void leases_init(struct leases *all)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&all->changed, &attr);
	pthread_condattr_destroy(&attr);
}

bool lease_is_alive(const struct lease *l)
{
	uint64_t ns = l->request.lease_ms * NS_PER_MS;

	return sys.boot() < l->granted + ns - ns / 10;
}

bool lease_flight_stands(const struct lease *l)
{
	const struct flight f = {
		.map = l->map,
		.life = l->life,
		.slot = l->slot,
		.ctl = l->ctl,
	};

	return flight_stands(&f);
}

void lease_free(struct lease *l)
{
	mapping_put(l->map);
	free(l);
}

/* Called with the lock held. */
static struct lease **find(struct leases *all, uint64_t number)
{
	struct lease **at = &all->first;

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

/* Called with the lock held. */
static struct lease *next_due(const struct leases *all)
{
	struct lease *due = NULL;

	for (struct lease *l = all->first; l; l = l->next)
		if (!due || l->renew_at < due->renew_at)
			due = l;
	return due;
}

static uint64_t soon(const struct sfshm_fleet *fleet, uint32_t ms)
{
	uint32_t third = fleet->lease_ms / 3;

	return ns_after(sys.now(), ms < third ? ms : third);
}

/* Asks the engine to renew. Called without the lock, with `renewing` set. */
static void renew(const struct sfshm_fleet *fleet, struct lease *l)
{
	struct sfshm_fleet_answer answer = ENGINE_NO_ANSWER;
	uint64_t sent = sys.boot();
	int r;

	l->request.alive = lease_is_alive(l);
	l->renewals++;
	r = engine_ask(fleet, l->map, fleet->ops->renew, &l->request, NS_NEVER,
		       &answer);
	free(answer.bytes.data);
	if (r) {
		l->renew_at = soon(fleet, fleet->retry_ms);
		return;
	}
	l->renew_at = soon(fleet, fleet->lease_ms / 3);
	if (answer.verdict == SFSHM_FLEET_FENCED)
		store_relaxed(&l->lost, true);
	else
		l->granted = sent;
	if (answer.verdict == SFSHM_FLEET_RECLAIMED)
		l->reclaimed++;
}

/* Called with the lock held. Drops the lock while it makes a request. */
static void serve(struct sfshm_fleet *fleet, struct lease *l)
{
	struct leases *all = &fleet->leases;
	bool stands;
	int r = 0;

	l->renewing = true;
	pthread_mutex_unlock(&all->lock);
	stands = !l->over && lease_flight_stands(l);
	if (l->lost)
		l->renew_at = soon(fleet, fleet->lease_ms / 3);
	else if (stands)
		renew(fleet, l);
	else
		r = engine_tell(fleet, l->map, fleet->ops->release,
				&l->request);
	pthread_mutex_lock(&all->lock);
	l->renewing = false;
	if (r && r != -EREMOTE && lease_is_alive(l)) {
		l->renew_at = soon(fleet, fleet->retry_ms);
	} else if (!stands) {
		*find(all, l->number) = l->next;
		lease_free(l);
	}
	pthread_cond_broadcast(&all->changed);
}

/* Called with the lock held. Returns 0, or ETIMEDOUT at `end`. */
static int nap(struct leases *all, uint64_t end)
{
	const struct timespec until = {
		.tv_sec = (time_t)(end / NS_PER_S),
		.tv_nsec = (long)(end % NS_PER_S),
	};

	return pthread_cond_timedwait(&all->changed, &all->lock, &until);
}

static void *run(void *arg)
{
	struct sfshm_fleet *fleet = arg;
	struct leases *all = &fleet->leases;
	int r = 0;

	prctl(PR_SET_NAME, "sfshm-fleet");
	pthread_mutex_lock(&all->lock);
	while (!all->stop) {
		struct lease *l = next_due(all);

		if (l && l->renew_at <= sys.now())
			serve(fleet, l);
		else if (l)
			(void)nap(all, l->renew_at);
		else if (r == ETIMEDOUT && !all->first)
			break;
		else
			r = nap(all, ns_after(sys.now(), IDLE_MS));
	}
	all->over = true;
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* Called with the lock held. */
static void start_thread(struct sfshm_fleet *fleet)
{
	struct leases *all = &fleet->leases;
	pthread_attr_t attr;
	sigset_t every, old;
	int state, r;

	if (all->running && all->over) {
		/* A thread that is cancelled here would keep the lock. */
		state = uncancelled_begin();
		pthread_join(all->thread, NULL);
		uncancelled_end(state);
		all->running = false;
	}
	if (all->running)
		return;
	all->over = false;
	sigfillset(&every);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &every, &old);
	r = pthread_create(&all->thread, &attr, run, fleet);
	if (r == EINVAL) /* the thread-local variables need a larger stack */
		r = pthread_create(&all->thread, NULL, run, fleet);
	all->running = !r;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

/* Called with the lock held. */
static void link_in(struct sfshm_fleet *fleet, struct lease *l)
{
	struct leases *all = &fleet->leases;

	l->next = all->first;
	all->first = l;
	start_thread(fleet);
	pthread_cond_broadcast(&all->changed);
}

int lease_add(struct sfshm_fleet *fleet,
	      const struct sfshm_fleet_request *request, uint64_t sent,
	      const struct flight *f, uint64_t *number)
{
	struct leases *all = &fleet->leases;
	struct lease *l = malloc(sizeof(*l) + request->key_len);

	if (!l)
		return -ENOMEM;
	*l = (struct lease){
		.request = *request,
		.granted = sent,
		.renew_at = soon(fleet, fleet->lease_ms / 3),
		.map = f->map,
		.life = load_relaxed(&f->life),
		.slot = f->slot,
		.ctl = f->ctl,
	};
	memcpy(l->key, request->key, request->key_len);
	l->request.key = l->key;
	if (!mapping_get(f->map)) {
		free(l);
		return -ENOMEM;
	}
	pthread_mutex_lock(&all->lock);
	*number = l->number = ++all->last_number;
	link_in(fleet, l);
	pthread_mutex_unlock(&all->lock);
	return 0;
}

struct lease *lease_take(struct sfshm_fleet *fleet, uint64_t number)
{
	struct leases *all = &fleet->leases;
	struct lease *l, **at;
	/* A thread that is cancelled as it waits would keep the mutex. */
	int state = uncancelled_begin();

	pthread_mutex_lock(&all->lock);
	while ((l = *(at = find(all, number))) && l->renewing)
		pthread_cond_wait(&all->changed, &all->lock);
	if (l)
		*at = l->next;
	pthread_mutex_unlock(&all->lock);
	uncancelled_end(state);
	return l;
}

void lease_give_back(struct sfshm_fleet *fleet, struct lease *l)
{
	struct leases *all = &fleet->leases;

	int r;

	l->request.iov = NULL;
	l->request.count = 0;
	r = engine_tell(fleet, l->map, fleet->ops->release, &l->request);
	/* An engine that refuses the key would do so again. */
	if (!r || r == -EREMOTE) {
		lease_free(l);
		return;
	}
	l->over = true;
	l->renew_at = soon(fleet, fleet->retry_ms);
	pthread_mutex_lock(&all->lock);
	link_in(fleet, l);
	pthread_mutex_unlock(&all->lock);
}

bool lease_is_lost(struct sfshm_fleet *fleet, uint64_t number)
{
	struct leases *all = &fleet->leases;
	const struct lease *l;
	bool lost;

	pthread_mutex_lock(&all->lock);
	l = *find(all, number);
	lost = !l || load_relaxed(&l->lost);
	pthread_mutex_unlock(&all->lock);
	return lost;
}

bool leases_none(struct sfshm_fleet *fleet)
{
	struct leases *all = &fleet->leases;
	bool none = true;

	pthread_mutex_lock(&all->lock);
	for (const struct lease *l = all->first; l; l = l->next)
		none &= !lease_flight_stands(l);
	pthread_mutex_unlock(&all->lock);
	return none;
}

void leases_end(struct sfshm_fleet *fleet)
{
	struct leases *all = &fleet->leases;
	struct lease *l;

	pthread_mutex_lock(&all->lock);
	all->stop = true;
	pthread_cond_broadcast(&all->changed);
	pthread_mutex_unlock(&all->lock);
	if (all->running)
		pthread_join(all->thread, NULL);
	while ((l = all->first)) {
		all->first = l->next;
		engine_tell(fleet, l->map, fleet->ops->release, &l->request);
		lease_free(l);
	}
	pthread_cond_destroy(&all->changed);
	pthread_mutex_destroy(&all->lock);
}
