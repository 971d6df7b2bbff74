/* SPDX-License-Identifier: MIT */
/*
 * Fleets: one leader per key among the processes of several hosts. The engine
 * is in libsfshm-redis, which only a program with a fleet loads. The calls here
 * may sleep, so they are made on threads that are let in for that (fleet.go).
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sfshm/fleet-redis.h>
#include "shim.h"

#define ENGINE "libsfshm-redis.so.0"

/* NULL, with a line in `why`: there is none. It is never unloaded. */
static const struct sfshm_fleet_ops *find_engine(char *why, size_t size)
{
	const struct sfshm_fleet_ops *(*engine)(void);
	void *library = dlopen(ENGINE, RTLD_NOW | RTLD_LOCAL);
	void *found = library ? dlsym(library, "sfshm_fleet_redis") : NULL;
	const char *error;

	if (found) {
		memcpy(&engine, &found, sizeof(engine));
		return engine();
	}
	/* glibc keeps this text for each thread. */
	/* NOLINTNEXTLINE(concurrency-mt-unsafe) */
	error = dlerror();
	snprintf(why, size,
		 "a fleet needs " ENGINE ": install the package "
		 "libsfshm-redis0, or build the library with hiredis (%.80s)",
		 error ? error : "");
	return NULL;
}

struct sfshm_fleet *go_fleet_open(struct sfshm *handle, const char *url,
				  struct sfshm_fleet_options *options,
				  char *why, size_t why_size)
{
	const struct sfshm_fleet_ops *engine = find_engine(why, why_size);
	struct sfshm_fleet *fleet;

	if (!engine)
		return NULL;
	options->why = why;
	options->why_size = why_size;
	return sfshm_fleet_open(&fleet, handle, engine, url, options) < 0 ?
		       NULL :
		       fleet;
}

int go_call_fleet_begin(struct go_call *call, struct sfshm_fleet *fleet,
			int *away)
{
	int rc;

	call->fleet = fleet;
	call->policy.cancel = &call->cancel;
	do
		rc = sfshm_fleet_begin(fleet, call->key, call->key_len,
				       &call->policy, &call->flight,
				       &call->result);
	while (rc == -ESTALE);
	/* A leader that is not coordinated did not ask the engine. */
	*away = rc == SFSHM_LEADER && call->result.coordinated &&
		!call->result.fleet;
	return rc;
}

int go_call_release(struct go_call *call)
{
	if (!go_thread_try())
		return GO_ELSEWHERE;
	if (call->fleet)
		sfshm_fleet_cleanup(&call->flight);
	else
		sfshm_flight_cleanup(&call->flight.host);
	return 0;
}

int go_fleet_invalidate(struct sfshm_fleet *fleet, go_bytes key, size_t key_len,
			uint32_t flags)
{
	return go_thread_try() ?
		       sfshm_fleet_invalidate(fleet, key, key_len, flags) :
		       GO_ELSEWHERE;
}
