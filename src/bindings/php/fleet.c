/* SPDX-License-Identifier: MIT */
/*
 * A cache's fleet: one leader per key among the workers of several hosts. The
 * engine is in libsfshm-redis, which only a worker with a fleet loads.
 *
 * A worker opens a fleet once, and keeps its connections from one request to
 * the next: fleets are on a list in the module's globals, and are closed when
 * the worker ends. An open fleet is of use only to the process that opened it,
 * so a child of pcntl_fork() opens one of its own at its first miss.
 *
 * If a fleet cannot be opened, perhaps because the worker must not read the
 * password's file, the fleet is away for this worker, as if the server did not
 * answer. The worker tries again at each miss.
 */
#include "php_sfshm.h"

#include <dlfcn.h>
#include <unistd.h>
#include <zend_exceptions.h>

#define ENGINE "libsfshm-redis.so.0"

struct fleet {
	struct fleet *next;
	struct sfshm *handle;
	struct sfshm_fleet *open; /* NULL: not in this process, or not yet */
	struct sfshm_fleet_options options;
	bool told; /* the log has that the engine is away */
	char why[256];
	char url[];
};

/* NULL, with a line in `why`: there is none. It is never unloaded. */
static const struct sfshm_fleet_ops *engine_find(char *why, size_t size)
{
	static const struct sfshm_fleet_ops *(*engine)(void);
	void *library, *found;
	const char *error;

	if (engine)
		return engine();
	library = dlopen(ENGINE, RTLD_NOW | RTLD_LOCAL);
	found = library ? dlsym(library, "sfshm_fleet_redis") : NULL;
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

/* Returns 0, or an error with a line in fleet->why. Does not wait for the
   engine. */
static int open_here(struct fleet *fleet)
{
	struct sfshm_fleet_options options = fleet->options;
	const struct sfshm_fleet_ops *engine;

	*fleet->why = '\0';
	engine = engine_find(fleet->why, sizeof(fleet->why));
	if (!engine)
		return -EPROTO;
	options.why = fleet->why;
	options.why_size = sizeof(fleet->why);
	return sfshm_fleet_open(&fleet->open, fleet->handle, engine, fleet->url,
				&options);
}

/* In a child that was forked in a callback, the copies of the parent's flights
   still name the parent's fleet: then it stays as it is. */
static bool is_led(const struct sfshm_fleet *open)
{
	const struct lead *lead;

	for (lead = SFSHM_G(leads); lead; lead = lead->next)
		if (lead->fleet == open)
			return true;
	return false;
}

/* The fleet is the parent's: closes its descriptors here. */
static void close_parents(struct fleet *fleet)
{
	if (fleet->open && !is_led(fleet->open))
		(void)!sfshm_fleet_close(fleet->open);
	fleet->open = NULL;
}

static bool number(const zend_string *name, zval *value, uint32_t *field)
{
	zend_long n = zval_get_long(value);

	if (n >= 0 && n < UINT32_MAX) {
		*field = (uint32_t)n;
		return true;
	}
	zend_value_error("the fleet option \"%s\" is out of range",
			 ZSTR_VAL(name));
	return false;
}

static bool option(struct sfshm_fleet_options *options, const zend_string *name,
		   zval *value)
{
	if (name && zend_string_equals_literal(name, "strict")) {
		options->flags = zend_is_true(value) ? SFSHM_FLEET_STRICT : 0;
		return true;
	}
	if (name && zend_string_equals_literal(name, "jitter"))
		return number(name, value, &options->jitter);
	if (name && zend_string_equals_literal(name, "lease"))
		return time_ms(value, &options->lease_ms);
	if (name && zend_string_equals_literal(name, "timeout"))
		return time_ms(value, &options->command_ms);
	if (name && zend_string_equals_literal(name, "retry"))
		return time_ms(value, &options->retry_ms);
	zend_value_error("there is no fleet option \"%s\"",
			 name ? ZSTR_VAL(name) : "0");
	return false;
}

static bool read_options(struct sfshm_fleet_options *options, zval *from)
{
	zend_string *name;
	zval *value;

	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	if (!from)
		return true;
	if (Z_TYPE_P(from) != IS_ARRAY) {
		zend_type_error("\"fleet_options\" is an array, %s given",
				zend_zval_type_name(from));
		return false;
	}
	ZEND_HASH_FOREACH_STR_KEY_VAL(Z_ARRVAL_P(from), name, value)
	{
		if (!option(options, name, value))
			return false;
	}
	ZEND_HASH_FOREACH_END();
	return true;
}

static struct fleet *known(const struct sfshm *handle, const char *url,
			   const struct sfshm_fleet_options *options)
{
	struct fleet *fleet;

	for (fleet = SFSHM_G(fleets); fleet; fleet = fleet->next)
		if (fleet->handle == handle && !strcmp(fleet->url, url) &&
		    !memcmp(&fleet->options, options, sizeof(*options)))
			break;
	return fleet;
}

bool fleet_join(struct cache *cache, const char *url, zval *from)
{
	struct sfshm_fleet_options options;
	struct fleet *fleet;

	if (!read_options(&options, from))
		return false;
	cache->fleet = known(cache->handle, url, &options);
	if (cache->fleet)
		return true;
	fleet = pecalloc(1, sizeof(*fleet) + strlen(url) + 1, 1);
	strcpy(fleet->url, url);
	fleet->handle = cache->handle;
	fleet->options = options;
	if (open_here(fleet) == -EINVAL) {
		zend_value_error("the fleet cannot be used: %s", fleet->why);
		pefree(fleet, 1);
		return false;
	}
	fleet->next = SFSHM_G(fleets);
	SFSHM_G(fleets) = fleet;
	cache->fleet = fleet;
	return true;
}

void fleets_close(struct fleet **list)
{
	struct fleet *fleet;

	while ((fleet = *list)) {
		*list = fleet->next;
		/* PHP has ended all requests: a flight that is left is a copy
		   of a parent's. */
		(void)!sfshm_fleet_close(fleet->open);
		pefree(fleet, 1);
	}
}

/* The fleet cannot be opened here. */
static int begin_without(struct fleet *fleet, const struct ask *ask,
			 struct lead *lead)
{
	struct sfshm_flight *flight = &lead->flight.host;
	int r;

	if (fleet->options.flags & SFSHM_FLEET_STRICT) {
		r = sfshm_peek(fleet->handle, ask->key.data, ask->key.len,
			       ask->policy, &SFSHM_G(result));
		return r == -ENODATA ? -EHOSTUNREACH : r;
	}
	r = sfshm_begin(fleet->handle, ask->key.data, ask->key.len, ask->policy,
			flight, &SFSHM_G(result));
	lead->away = r == SFSHM_LEADER;
	return r;
}

static int begin_opened(struct fleet *fleet, const struct ask *ask,
			struct lead *lead)
{
	const struct sfshm_result *result = &SFSHM_G(result);
	int r;

	r = sfshm_fleet_begin(fleet->open, ask->key.data, ask->key.len,
			      ask->policy, &lead->flight, &SFSHM_G(result));
	lead->fleet = fleet->open;
	/* A leader that is not coordinated did not ask the engine. */
	lead->away = r == SFSHM_LEADER && result->coordinated && !result->fleet;
	if (r >= 0 && result->fleet)
		fleet->told = false;
	if (r == -EREMOTE || r == -EHOSTUNREACH)
		snprintf(fleet->why, sizeof(fleet->why), "%s",
			 sfshm_strerror(r));
	return r == -EREMOTE ? -EHOSTUNREACH : r;
}

int fleet_begin(const struct ask *ask, struct lead *lead)
{
	struct fleet *fleet = ask->cache->fleet;
	int r = -ECHILD;

	lead->fleet = NULL;
	lead->away = false;
	if (fleet->open)
		r = begin_opened(fleet, ask, lead);
	if (r != -ECHILD)
		return r;
	lead->fleet = NULL;
	close_parents(fleet);
	if (!(ask->policy->flags & SFSHM_REFRESH) &&
	    sfshm_get(fleet->handle, ask->key.data, ask->key.len,
		      &SFSHM_G(result)) >= 0)
		return SFSHM_CACHED;
	if (open_here(fleet) == 0)
		return begin_opened(fleet, ask, lead);
	return begin_without(fleet, ask, lead);
}

/* One warning until the server answers again: a worker serves many requests,
   and each miss of an outage would tell the same. */
void fleet_warn(struct fleet *fleet)
{
	if (fleet->told)
		return;
	fleet->told = true;
	php_error_docref(NULL, E_WARNING,
			 "the server of the fleet cannot be used, so this host "
			 "makes its own values: %s",
			 *fleet->why ? fleet->why : "it does not answer");
}

void fleet_throw(const struct fleet *fleet)
{
	zend_throw_exception(away_ce, fleet->why, EHOSTUNREACH);
}

int fleet_invalidate(const struct cache *cache, const struct key *key,
		     uint32_t flags)
{
	struct fleet *fleet = cache->fleet;
	int r = -ECHILD;

	if (fleet->open)
		r = sfshm_fleet_invalidate(fleet->open, key->data, key->len,
					   flags);
	if (r != -ECHILD)
		return r;
	close_parents(fleet);
	if (open_here(fleet) == 0)
		return sfshm_fleet_invalidate(fleet->open, key->data, key->len,
					      flags);
	r = sfshm_invalidate(fleet->handle, key->data, key->len, flags);
	return r < 0 && r != -ENODATA ? r : -EHOSTUNREACH;
}
