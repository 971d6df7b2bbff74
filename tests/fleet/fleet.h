/* SPDX-License-Identifier: MIT */
/*
 * The tests of fleets: an engine of the test's own, and hosts, which are
 * segments of their own. Threads and forked children are the hosts' workers.
 */
#ifndef TESTS_FLEET_H
#define TESTS_FLEET_H

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/fleet-do.h>
#include <sfshm/fleet-etcd.h>
#include <sfshm/fleet-ops.h>
#include <sfshm/fleet-redis.h>
#include <sfshm/put.h>

#include "server.h"
#include "os/killpoint.h"
#include "testing.h"

#define HOSTS 8

/*
 * A test of this folder that CMakeLists.txt names there is built a second time,
 * as ...-over-etcd, with FLEET_OVER_ETCD. How many requests the engine gets for
 * a key from a host that leads, from one that waits, and from one that finds
 * the result; and how many more from a host that asked for the lease at the
 * same time as another:
 */
#ifdef FLEET_OVER_ETCD
#define fleet_ops() sfshm_fleet_etcd()
#define NOWHERE "etcd://127.0.0.1:1,localhost:1" /* the port is no program's */
enum { COST_LEAD = 5, COST_WAIT = 3, COST_FIND = 2, COST_RACE = 3 };
#else
#define fleet_ops() sfshm_fleet_redis()
#define NOWHERE "unix:/nonexistent/socket"
enum { COST_LEAD = 2, COST_WAIT = 2, COST_FIND = 1, COST_RACE = 0 };
#endif

/* Whether so many requests may be those of one fill by so many hosts. */
static inline bool is_of_a_fill(uint64_t requests, int hosts)
{
	uint64_t waiting = (uint64_t)hosts - 1;

	return requests >= COST_LEAD + waiting * COST_WAIT &&
	       requests <= COST_LEAD + waiting * (COST_WAIT + COST_RACE);
}

/* A lease that no test outlives. */
#define LONG_LEASE_MS 3600000

struct host {
	struct sfshm *handle;
	struct sfshm_fleet *fleet;
};

static inline void host_name(int number, char name[96])
{
	snprintf(name, 96, "%s-host%d", segment, number);
}

static const struct sfshm_options create = {
	.size = sizeof(create),
	.flags = SFSHM_CREATE,
};

/* Makes the segment a member of the fleet. */
static inline struct sfshm_fleet *
fleet_join(struct sfshm *handle, const struct sfshm_fleet_options *o,
	   const struct sfshm_fleet_ops *ops, const char *url)
{
	struct sfshm_fleet_options options = { .lease_ms = LONG_LEASE_MS,
					       .command_ms = PATIENCE_MS };
	struct sfshm_fleet *fleet;
	char why[256] = "";
	int r;

	if (o)
		options = *o;
	options.size = sizeof(options);
	options.why = why;
	options.why_size = sizeof(why);
	r = sfshm_fleet_open(&fleet, handle, ops, url, &options);
	if (r)
		fprintf(stderr, "# %s\n", why);
	demand(!r);
	return fleet;
}

/* Joins the fleet as a process of that host. */
static inline struct host
host_open_at(int number, const struct sfshm_fleet_options *o, const char *url)
{
	struct host host;
	char name[96];

	host_name(number, name);
	demand(!sfshm_open(&host.handle, name, &create));
	host.fleet = fleet_join(host.handle, o, fleet_ops(), url);
	return host;
}

static inline struct host host_open(int number,
				    const struct sfshm_fleet_options *o)
{
	return host_open_at(number, o, server_url);
}

static inline void host_close(struct host *host)
{
	demand(!sfshm_fleet_close(host->fleet));
	demand(!sfshm_close(host->handle));
}

static inline int fleet_setup(void **state)
{
	int r = segment_setup(state);

	server_start();
	return r;
}

static inline int fleet_teardown(void **state)
{
	server_end();
	for (int i = 0; i < HOSTS; i++) {
		char name[96];

		host_name(i, name);
		(void)!sfshm_unlink(name);
	}
	return segment_teardown(state);
}

#define in_fleet(f) \
	cmocka_unit_test_setup_teardown(f, fleet_setup, fleet_teardown)

/* A thread that asks for one key. */
struct worker {
	pthread_t thread;
	struct host *host;
	const char *key;
	struct sfshm_policy policy;
	sfshm_fleet_work_fn work;
	void *arg;
	int outcome;
	bool returned;
	struct sfshm_result result;
};

static inline void *worker_run(void *arg)
{
	struct worker *w = arg;

	w->outcome = sfshm_fleet_do(w->host->fleet, w->key, strlen(w->key),
				    &w->policy, w->work, w->arg, &w->result);
	store_release(&w->returned, true);
	return NULL;
}

static inline void worker_start(struct worker *w)
{
	w->policy.size = sizeof(w->policy);
	w->result = (struct sfshm_result)SFSHM_RESULT_INIT;
	demand(!pthread_create(&w->thread, NULL, worker_run, w));
}

static inline void worker_join(struct worker *w)
{
	demand(eventually(load_acquire(&w->returned)));
	demand(!pthread_join(w->thread, NULL));
}

static inline bool result_is(const struct sfshm_result *r, const char *text)
{
	return r->value.len == strlen(text) &&
	       !memcmp(r->value.data, text, strlen(text));
}

static inline int publish_text(struct sfshm_fleet_flight *flight, void *text)
{
	return sfshm_fleet_publish(flight, text, strlen(text));
}

/* sfshm_fleet_do() in this thread, with a lifetime of an hour. */
static inline int ask(struct host *host, const char *key,
		      sfshm_fleet_work_fn work, void *arg,
		      struct sfshm_result *result)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = 3600000,
	};

	return sfshm_fleet_do(host->fleet, key, strlen(key), &policy, work, arg,
			      result);
}

/* Has the engine know all scripts, and this host use them once. */
static inline void warm_up(struct host *host)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	demand(ask(host, "warm", publish_text, "up", &result) >= 0);
	demand(!sfshm_fleet_invalidate(host->fleet, "warm", 4, 0));
	sfshm_result_clear(&result);
}

/* What a forked worker and the test tell each other. */
struct note {
	uint64_t token;
	uint32_t runs;
	uint32_t ready;
	int32_t outcome;
	uint32_t fleet;
	char value[64];
};

/* Forks a worker, which does not return. */
static inline pid_t worker_fork(void (*act)(struct note *), struct note *note)
{
	pid_t pid = fork();

	demand(pid >= 0);
	if (!pid) {
		act(note);
		_exit(0);
	}
	return pid;
}

static inline void worker_kill(pid_t pid)
{
	demand(!kill(pid, SIGKILL));
	demand(waitpid(pid, NULL, 0) == pid);
}

#endif
