/* SPDX-License-Identifier: MIT */
/*
 * Sfshm\Cache: opening a segment, and getting values from it.
 *
 * If the segment cannot be used, the cache costs speed, not answers: callbacks
 * run, nothing is found, and the request's first call warns.
 */
#include "php_sfshm.h"
#include "sfshm_arginfo.h"

#include <time.h>
#include <zend_closures.h>
#include <zend_exceptions.h>

zend_class_entry *cache_ce;
static zend_object_handlers cache_handlers;

static zend_object *cache_create(zend_class_entry *ce)
{
	struct cache *cache = zend_object_alloc(sizeof(*cache), ce);

	zend_object_std_init(&cache->std, ce);
	object_properties_init(&cache->std, ce);
	cache->std.handlers = &cache_handlers;
	return &cache->std;
}

static void cache_free(zend_object *object)
{
	struct cache *cache = cache_of(object);

	if (cache->prefix)
		zend_string_release(cache->prefix);
	zend_object_std_dtor(object);
}

bool key_make(struct key *key, const struct cache *cache,
	      const zend_string *name)
{
	size_t prefix = cache->prefix ? ZSTR_LEN(cache->prefix) : 0;

	if (!ZSTR_LEN(name) || ZSTR_LEN(name) > SFSHM_KEY_MAX - prefix) {
		zend_value_error("a key has 1 to %zu bytes, %zu given",
				 SFSHM_KEY_MAX - prefix, ZSTR_LEN(name));
		return false;
	}
	key->len = ZSTR_LEN(name) + prefix;
	key->data = ZSTR_VAL(name);
	if (prefix) {
		memcpy(key->buffer, ZSTR_VAL(cache->prefix), prefix);
		memcpy(key->buffer + prefix, ZSTR_VAL(name), ZSTR_LEN(name));
		key->data = key->buffer;
	}
	return true;
}

/* An option's seconds, as milliseconds. */
static bool option_time(HashTable *options, const char *name, uint32_t *ms)
{
	return time_ms(zend_hash_str_find(options, name, strlen(name)), ms);
}

static bool set_breaker(HashTable *options, struct sfshm_policy *policy)
{
	zval *deaths = zend_hash_str_find(options, ZEND_STRL("breaker_deaths"));

	if (!deaths)
		return true;
	policy->breaker_deaths = (uint32_t)zval_get_long(deaths);
	policy->breaker_ms = 10000;
	return option_time(options, "breaker", &policy->breaker_ms);
}

static bool known(HashTable *options)
{
	static const char *const names[] = {
		"prefix",           "ttl",     "neg_ttl",        "grace",
		"stale_if_error",   "beta",    "timeout",        "lock_age",
		"stale_on_timeout", "breaker", "breaker_deaths", "fleet",
		"fleet_options",
	};
	zend_string *name;
	size_t i;

	ZEND_HASH_FOREACH_STR_KEY(options, name)
	{
		for (i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (name && zend_string_equals_cstr(name, names[i],
							    strlen(names[i])))
				break;
		if (i == sizeof(names) / sizeof(*names)) {
			zend_value_error("there is no option \"%s\"",
					 name ? ZSTR_VAL(name) : "0");
			return false;
		}
	}
	ZEND_HASH_FOREACH_END();
	return true;
}

static bool set_options(struct cache *cache, HashTable *options)
{
	struct sfshm_policy *policy = &cache->policy;
	zval *beta = zend_hash_str_find(options, ZEND_STRL("beta"));
	zval *prefix = zend_hash_str_find(options, ZEND_STRL("prefix"));
	zval *stale =
		zend_hash_str_find(options, ZEND_STRL("stale_on_timeout"));

	if (!known(options))
		return false;
	if (beta)
		policy->beta = zval_get_double(beta);
	if (prefix && zend_is_true(prefix))
		cache->prefix = zval_try_get_string(prefix);
	if (cache->prefix && ZSTR_LEN(cache->prefix) >= SFSHM_KEY_MAX) {
		zend_value_error("a prefix has fewer than %d bytes",
				 SFSHM_KEY_MAX);
		return false;
	}
	if (stale && zend_is_true(stale))
		policy->flags |= SFSHM_STALE_ON_TIMEOUT;
	return option_time(options, "ttl", &policy->ttl_ms) &&
	       option_time(options, "neg_ttl", &policy->neg_ttl_ms) &&
	       option_time(options, "grace", &policy->grace_ms) &&
	       option_time(options, "stale_if_error",
			   &policy->stale_if_error_ms) &&
	       option_time(options, "timeout", &policy->wait_timeout_ms) &&
	       option_time(options, "lock_age", &policy->lock_age_ms) &&
	       set_breaker(options, policy) && !EG(exception);
}

/* Replaces a number that does not fit by the largest that does, which the
   library refuses as well. */
static uint32_t number(zend_long setting)
{
	return setting < UINT32_MAX ? (uint32_t)setting : UINT32_MAX;
}

/* All of a process's objects share one handle of a segment. */
static struct sfshm *segment_open(const char *name)
{
	struct sfshm_options options = { .size = sizeof(options),
					 .flags = SFSHM_CREATE };
	struct sfshm *handle;
	char why[512] = "", text[1024];

	options.bytes = (uint64_t)SFSHM_G(size);
	options.slots = number(SFSHM_G(slots));
	options.max_value = number(SFSHM_G(max_value));
	options.participants = number(SFSHM_G(participants));
	options.mode = (uint32_t)strtoul(SFSHM_G(mode), NULL, 8);
	options.why = why;
	options.why_size = sizeof(why);
	handle = sfshm_shared(name, &options);
	if (!handle) {
		snprintf(text, sizeof(text), "%s: %s", name ? name : "default",
			 why);
		error_warn(text);
	}
	return handle;
}

/*
 * Joins the fleet of the options; or that of php.ini, which is for php.ini's
 * segment alone: two segments of one host that joined it would share their
 * keys. A URL may name files, and open_basedir cannot check them.
 */
static void join(struct cache *cache, const zend_string *segment,
		 HashTable *options)
{
	zval *url = options ? zend_hash_str_find(options, ZEND_STRL("fleet")) :
			      NULL;
	const char *basedir = PG(open_basedir);
	zval *rest = options ? zend_hash_str_find(options,
						  ZEND_STRL("fleet_options")) :
			       NULL;
	bool given = url && Z_TYPE_P(url) != IS_NULL;

	if (given && Z_TYPE_P(url) == IS_STRING && basedir && *basedir)
		zend_value_error("under open_basedir only php.ini's "
				 "sfshm.fleet names a fleet");
	else if (given && Z_TYPE_P(url) == IS_STRING && Z_STRLEN_P(url))
		fleet_join(cache, Z_STRVAL_P(url), rest);
	else if (!given && !segment && SFSHM_G(fleet) && *SFSHM_G(fleet))
		fleet_join(cache, SFSHM_G(fleet), rest);
	/* A fleet takes no notice of it, and copies a policy that has it. */
	if (cache->fleet)
		cache->policy.beta = 0;
}

PHP_METHOD(Sfshm_Cache, __construct)
{
	struct cache *cache = THIS_CACHE();
	struct sfshm_policy *policy = &cache->policy;
	zend_string *segment = NULL;
	HashTable *options = NULL;
	const char *name;

	ZEND_PARSE_PARAMETERS_START(0, 2)
	Z_PARAM_OPTIONAL
	Z_PARAM_PATH_STR_OR_NULL(segment)
	Z_PARAM_ARRAY_HT(options)
	ZEND_PARSE_PARAMETERS_END();
	if (cache->prefix)
		zend_string_release(cache->prefix);
	cache->prefix = NULL;
	memset(policy, 0, sizeof(*policy));
	policy->size = sizeof(*policy);
	policy->flags = SFSHM_DETACHED;
	policy->task = SFSHM_G(task);
	policy->ttl_ms = SFSHM_FOREVER;
	policy->beta = 1;
	policy->wait_timeout_ms = seconds_ms(SFSHM_G(timeout));
	policy->interrupted = interrupt_pending;
	if (options && !set_options(cache, options))
		RETURN_THROWS();
	cache->handle = NULL;
	cache->fleet = NULL;
	/* php.ini's segment is the administrator's choice: no check. */
	if (segment && strchr(ZSTR_VAL(segment), '/') &&
	    php_check_open_basedir(ZSTR_VAL(segment)))
		return;
	name = segment ? ZSTR_VAL(segment) : SFSHM_G(segment);
	cache->handle = segment_open(name && *name ? name : NULL);
	if (cache->handle && !EG(exception))
		join(cache, segment, options);
}

/* Fills in the array that Symfony's cache contracts call metadata. */
static void metadata_fill(zval *metadata, const char *source)
{
	const struct sfshm_result *result = &SFSHM_G(result);
	bool made = !strcmp(source, "computed");

	metadata = zend_try_array_init(metadata);
	if (!metadata)
		return;
	add_assoc_string(metadata, "source", source);
	add_assoc_bool(metadata, "stale", !made && result->stale);
	add_assoc_double(metadata, "age",
			 made ? 0 : (double)result->age_ns / 1e9);
	add_assoc_bool(metadata, "owner_died", made && result->owner_died);
}

static bool hit(struct ask *ask, int source, zval *return_value)
{
	if (ask->metadata)
		metadata_fill(ask->metadata,
			      source == SFSHM_AWAITED ? "awaited" : "cached");
	return value_of_result(return_value);
}

static void make_alone(struct ask *ask, int error, zval *return_value)
{
	if (error)
		error_warn(sfshm_strerror(error));
	/* The script's error handler may have thrown. */
	if (EG(exception))
		return;
	if (ask->metadata) {
		SFSHM_G(result).owner_died = 0;
		metadata_fill(ask->metadata, "computed");
	}
	lead_alone(ask, return_value);
}

/* CLOCK_MONOTONIC, behind by a few ms, and cheap enough for each hit. */
static uint64_t recent_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The call is to be made again, perhaps because its wait was interrupted: lets
   PHP handle what is due, and gives the next wait the call's deadline. False:
   there is an exception. */
static bool wait_on(struct ask *ask, struct sfshm_policy *room,
		    uint64_t began_ns)
{
	interrupt_handle();
	if (EG(exception))
		return false;
	if (ask->policy != room) {
		*room = *ask->policy;
		ask->policy = room;
	}
	if (room->wait_timeout_ms) {
		room->deadline_ns =
			began_ns + (uint64_t)room->wait_timeout_ms * 1000000;
		room->wait_timeout_ms = 0;
	}
	return true;
}

static int begin(const struct ask *ask)
{
	struct lead *spare = lead_spare();

	if (ask->cache->fleet)
		return fleet_begin(ask, spare);
	return sfshm_begin(ask->cache->handle, ask->key.data, ask->key.len,
			   ask->policy, &spare->flight.host, &SFSHM_G(result));
}

static void get_or_make(struct ask *ask, struct sfshm_policy *room,
			zval *return_value)
{
	uint64_t began_ns;
	int r;

	if (!ask->cache->handle) {
		make_alone(ask, 0, return_value);
		return;
	}
	began_ns = recent_ns();
	do
		r = begin(ask);
	while ((r == -EINTR || r == -ESTALE) && wait_on(ask, room, began_ns));
	if (r == SFSHM_CACHED || r == SFSHM_AWAITED) {
		hit(ask, r, return_value);
	} else if (r == SFSHM_LEADER) {
		if (ask->metadata)
			metadata_fill(ask->metadata, "computed");
		lead(ask, return_value);
	} else if (error_of_segment(r)) {
		make_alone(ask, r, return_value);
	} else if (r == -EHOSTUNREACH) {
		fleet_throw(ask->cache->fleet);
	} else if (!EG(exception)) {
		error_throw(r);
	}
}

bool callable(zval *callback, uint32_t number)
{
	if (Z_TYPE_P(callback) == IS_OBJECT &&
	    Z_OBJCE_P(callback) == zend_ce_closure)
		return true;
	if (zend_is_callable(callback, 0, NULL))
		return true;
	zend_argument_type_error(number, "must be callable, %s given",
				 zend_zval_type_name(callback));
	return false;
}

PHP_METHOD(Sfshm_Cache, get)
{
	struct cache *cache = THIS_CACHE();
	struct sfshm_policy policy;
	struct ask ask;
	zend_string *name;
	double beta = 0;
	bool none = true;
	zval *metadata = NULL;

	ZEND_PARSE_PARAMETERS_START(2, 4)
	Z_PARAM_STR(name)
	Z_PARAM_ZVAL(ask.callback)
	Z_PARAM_OPTIONAL
	Z_PARAM_DOUBLE_OR_NULL(beta, none)
	Z_PARAM_ZVAL(metadata)
	ZEND_PARSE_PARAMETERS_END();
	if (!callable(ask.callback, 2) || !key_make(&ask.key, cache, name))
		RETURN_THROWS();
	ask.cache = cache;
	ask.entry = false;
	ask.policy = &cache->policy;
	ask.metadata = metadata;
	if (!none) {
		if (!(beta >= 0)) {
			zend_argument_value_error(3, "must not be negative");
			RETURN_THROWS();
		}
		policy = cache->policy;
		policy.beta = zend_isinf(beta) ? 0 : beta;
		policy.flags |= zend_isinf(beta) ? SFSHM_REFRESH : 0;
		ask.policy = &policy;
	}
	get_or_make(&ask, &policy, return_value);
}

PHP_METHOD(Sfshm_Cache, entry)
{
	struct cache *cache = THIS_CACHE();
	struct sfshm_policy policy;
	struct ask ask;
	zend_string *name;
	zval *ttl = NULL;

	ZEND_PARSE_PARAMETERS_START(2, 3)
	Z_PARAM_STR(name)
	Z_PARAM_ZVAL(ask.callback)
	Z_PARAM_OPTIONAL
	Z_PARAM_ZVAL(ttl)
	ZEND_PARSE_PARAMETERS_END();
	policy = cache->policy;
	policy.beta = 0;
	if (!callable(ask.callback, 2) || !key_make(&ask.key, cache, name) ||
	    !time_ms(ttl, &policy.ttl_ms))
		RETURN_THROWS();
	/* 0 is for ever, as for apcu_entry(). */
	if (!policy.ttl_ms)
		policy.ttl_ms = SFSHM_FOREVER;
	ask.cache = cache;
	ask.entry = true;
	ask.policy = &policy;
	ask.metadata = NULL;
	get_or_make(&ask, &policy, return_value);
}

void cache_register(void)
{
	zend_class_entry ce;

	INIT_NS_CLASS_ENTRY(ce, "Sfshm", "Cache", class_Sfshm_Cache_methods);
	cache_ce = zend_register_internal_class(&ce);
	cache_ce->ce_flags |= ZEND_ACC_NOT_SERIALIZABLE;
	cache_ce->create_object = cache_create;
	cache_handlers = *zend_get_std_object_handlers();
	cache_handlers.offset = XtOffsetOf(struct cache, std);
	cache_handlers.free_obj = cache_free;
	cache_handlers.clone_obj = NULL;
}
