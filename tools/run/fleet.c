/* SPDX-License-Identifier: MIT */
#include "fleet.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libsfshm-redis.so.0"
#define ENGINE "sfshm_fleet_redis"

typedef const struct sfshm_fleet_ops *(*engine_fn)(void);

/* The library stays loaded until the process ends. */
static const struct sfshm_fleet_ops *load_engine(struct outcome *o)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void *symbol = library ? dlsym(library, ENGINE) : NULL;
	engine_fn engine;

	if (!symbol) {
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "--fleet: %s; install libsfshm-redis", dlerror());
		return NULL;
	}
	memcpy(&engine, &symbol, sizeof(engine));
	return engine();
}

bool fleet_join(struct invocation *inv, struct outcome *o)
{
	const struct sfshm_fleet_ops *engine;
	char why[256];
	struct sfshm_fleet_options options = {
		.size = sizeof(options),
		.why = why,
		.why_size = sizeof(why),
	};
	int r;

	if (!inv->options.fleet)
		return true;
	engine = load_engine(o);
	if (!engine)
		return false;
	r = sfshm_fleet_open(&inv->fleet, inv->session.handle, engine,
			     inv->options.fleet, &options);
	if (r)
		outcome_fail(o, RUN_EXIT_FAILURE, "--fleet: %s", why);
	return !r;
}

void fleet_leave(struct invocation *inv)
{
	/* After a failure the process's end leaves the fleet. */
	if (inv->fleet && !sfshm_fleet_close(inv->fleet))
		inv->fleet = NULL;
}

int fleet_begin(struct invocation *inv, const struct sfshm_policy *policy,
		struct sfshm_result *result)
{
	const struct options *options = &inv->options;

	return inv->fleet ? sfshm_fleet_begin(inv->fleet, options->key,
					      options->key_len, policy,
					      &inv->flight, result) :
			    sfshm_begin(inv->session.handle, options->key,
					options->key_len, policy,
					&inv->flight.host, result);
}
