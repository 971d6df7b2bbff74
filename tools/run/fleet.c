/* SPDX-License-Identifier: MIT */
#include "fleet.h"

#include <dlfcn.h>
#include <string.h>

/* The library that has the engine of URLs that begin so. */
static const struct source {
	const char *scheme;
	const char *name;
	const char *library;
	const char *function;
} sources[] = {
	{ "etcd", "libsfshm-etcd", "libsfshm-etcd.so.0", "sfshm_fleet_etcd" },
	{ "", "libsfshm-redis", "libsfshm-redis.so.0", "sfshm_fleet_redis" },
};

typedef const struct sfshm_fleet_ops *(*engine_fn)(void);

/* The library stays loaded until the process ends. */
static const struct sfshm_fleet_ops *load_engine(const char *url,
						 struct outcome *o)
{
	const struct source *from = sources;
	void *library, *symbol;
	engine_fn engine;

	while (strncmp(url, from->scheme, strlen(from->scheme)) != 0)
		from++;
	library = dlopen(from->library, RTLD_NOW | RTLD_LOCAL);
	symbol = library ? dlsym(library, from->function) : NULL;

	if (!symbol) {
		outcome_fail(o, RUN_EXIT_FAILURE, "--fleet: %s; install %s",
			     dlerror(), from->name);
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
	engine = load_engine(inv->options.fleet, o);
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
