/* SPDX-License-Identifier: MIT */
/* Sfshm\Cache: storing, removing and looking for values. */
#include "php_sfshm.h"

#include <unistd.h>

#include <zend_exceptions.h>
#include <zend_interfaces.h>

/* How often update() tries before it gives up. */
#define TRIES 1000

/* The pauses between the tries during a resize: from this to that. */
#define PAUSE_MIN_US 1000
#define PAUSE_MAX_US 32000

/* False: the segment cannot be used, or the call failed. */
static bool done(int r)
{
	if (r >= 0)
		return true;
	if (error_of_segment(r) && r != -ENOSPC)
		error_warn(sfshm_strerror(r));
	return false;
}

/* Looks for a fresh value. */
static bool find(const struct cache *cache, const struct key *key)
{
	int r;

	if (!cache->handle)
		return false;
	r = sfshm_get(cache->handle, key->data, key->len, &SFSHM_G(result));
	if (r < 0 && error_of_segment(r))
		error_warn(sfshm_strerror(r));
	return r >= 0;
}

/*
 * Sets *value to the key's value, or to `absent`. False: an exception has come.
 */
static bool fetch(const struct cache *cache, const zend_string *name,
		  zval *absent, zval *value)
{
	struct key key;

	if (!key_make(&key, cache, name))
		return false;
	if (find(cache, &key))
		return value_of_result(value);
	if (absent)
		ZVAL_COPY(value, absent);
	else
		ZVAL_NULL(value);
	return true;
}

PHP_METHOD(Sfshm_Cache, fetch)
{
	zend_string *name;
	zval *absent = NULL;

	ZEND_PARSE_PARAMETERS_START(1, 2)
	Z_PARAM_STR(name)
	Z_PARAM_OPTIONAL
	Z_PARAM_ZVAL(absent)
	ZEND_PARSE_PARAMETERS_END();
	fetch(THIS_CACHE(), name, absent, return_value);
}

PHP_METHOD(Sfshm_Cache, has)
{
	zend_string *name;
	struct key key;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_STR(name)
	ZEND_PARSE_PARAMETERS_END();
	if (!key_make(&key, THIS_CACHE(), name))
		RETURN_THROWS();
	RETURN_BOOL(find(THIS_CACHE(), &key));
}

static int remove_key(const struct cache *cache, const struct key *key)
{
	int r;

	if (!cache->handle)
		return -ESHUTDOWN;
	if (cache->fleet)
		return fleet_invalidate(cache, key, SFSHM_HARD);
	r = sfshm_invalidate(cache->handle, key->data, key->len, SFSHM_HARD);
	return r == -ENODATA ? 0 : r;
}

/*
 * Waits before the next try, longer each time, because a resize is moving
 * values. 0: try again; else -ETIMEDOUT, or -EINTR with an exception.
 */
static int pause_in_resize(const struct cache *cache, uint32_t *us,
			   uint64_t *deadline)
{
	uint32_t timeout = cache->policy.wait_timeout_ms;

	if (timeout && !*deadline)
		*deadline = sfshm_deadline_ms(timeout);
	else if (timeout && sfshm_deadline_ms(0) >= *deadline)
		return -ETIMEDOUT;
	if (interrupt_pending(NULL))
		interrupt_handle();
	if (EG(exception))
		return -EINTR;
	usleep(*us);
	if (*us < PAUSE_MAX_US)
		*us *= 2;
	return 0;
}

/* Stores if the value has the generation. Sleeps while a resize moves values,
   but no longer than the cache's timeout. */
static int store_if(const struct cache *cache, const struct key *key,
		    zval *value, uint32_t ttl_ms, uint64_t generation)
{
	struct sfshm_policy policy = cache->policy;
	uint32_t us = PAUSE_MIN_US;
	uint64_t deadline = 0;
	struct bytes bytes;
	int r;

	if (!cache->handle)
		return -ESHUTDOWN;
	if (!value_encode(&bytes, value))
		return -EINVAL;
	policy.ttl_ms = ttl_ms;
	do {
		r = sfshm_put_if(cache->handle, key->data, key->len, &policy,
				 bytes.data, bytes.len, generation);
		if (r != -EBUSY)
			break;
		r = pause_in_resize(cache, &us, &deadline);
	} while (!r);
	bytes_free(&bytes);
	return r;
}

static int store(const struct cache *cache, const struct key *key, zval *value,
		 uint32_t ttl_ms)
{
	struct sfshm_policy policy = cache->policy;
	struct bytes bytes;
	int r;

	if (!cache->handle)
		return -ESHUTDOWN;
	if (!value_encode(&bytes, value))
		return -EINVAL;
	policy.ttl_ms = ttl_ms;
	r = sfshm_put(cache->handle, key->data, key->len, &policy, bytes.data,
		      bytes.len);
	bytes_free(&bytes);
	return r;
}

/* PSR-16: to store with a lifetime that is over removes the value. */
static bool set(const struct cache *cache, const zend_string *name, zval *value,
		uint32_t ttl_ms)
{
	struct key key;
	int r;

	if (!key_make(&key, cache, name))
		return false;
	if (!ttl_ms)
		return done(remove_key(cache, &key));
	r = store(cache, &key, value, ttl_ms);
	/* -ESTALE: a later value has replaced this one already. */
	return r == -ESTALE || done(r);
}

PHP_METHOD(Sfshm_Cache, set)
{
	const struct cache *cache = THIS_CACHE();
	uint32_t ms = cache->policy.ttl_ms;
	zend_string *name;
	zval *value, *ttl = NULL;

	ZEND_PARSE_PARAMETERS_START(2, 3)
	Z_PARAM_STR(name)
	Z_PARAM_ZVAL(value)
	Z_PARAM_OPTIONAL
	Z_PARAM_ZVAL(ttl)
	ZEND_PARSE_PARAMETERS_END();
	if (!time_ms(ttl, &ms))
		RETURN_THROWS();
	RETURN_BOOL(set(cache, name, value, ms));
}

PHP_METHOD(Sfshm_Cache, add)
{
	const struct cache *cache = THIS_CACHE();
	uint32_t ms = cache->policy.ttl_ms;
	zend_string *name;
	zval *value, *ttl = NULL;
	struct key key;
	int r;

	ZEND_PARSE_PARAMETERS_START(2, 3)
	Z_PARAM_STR(name)
	Z_PARAM_ZVAL(value)
	Z_PARAM_OPTIONAL
	Z_PARAM_ZVAL(ttl)
	ZEND_PARSE_PARAMETERS_END();
	if (!key_make(&key, cache, name) || !time_ms(ttl, &ms))
		RETURN_THROWS();
	if (!ms)
		RETURN_FALSE;
	r = store_if(cache, &key, value, ms, 0);
	/* The caller must not take that for a value of another one. */
	if (r == -ETIMEDOUT)
		error_throw(r);
	if (EG(exception))
		RETURN_THROWS();
	RETURN_BOOL(done(r));
}

/* Calls $change($old, $found). False: an exception has come. */
static bool change(zval *function, zval *old, bool found, zval *value)
{
	zval args[2];
	bool called;

	ZVAL_COPY_VALUE(&args[0], old);
	ZVAL_BOOL(&args[1], found);
	ZVAL_UNDEF(value);
	called = call_user_function(NULL, NULL, function, value, 2, args) ==
		 SUCCESS;
	zval_ptr_dtor(old);
	return called && !EG(exception);
}

PHP_METHOD(Sfshm_Cache, update)
{
	const struct cache *cache = THIS_CACHE();
	uint32_t ms = cache->policy.ttl_ms, tries = 0;
	uint64_t generation;
	zend_string *name;
	zval *function, *ttl = NULL, old;
	struct key key;
	bool found;
	int r;

	ZEND_PARSE_PARAMETERS_START(2, 3)
	Z_PARAM_STR(name)
	Z_PARAM_ZVAL(function)
	Z_PARAM_OPTIONAL
	Z_PARAM_ZVAL(ttl)
	ZEND_PARSE_PARAMETERS_END();
	if (!callable(function, 2) || !key_make(&key, cache, name) ||
	    !time_ms(ttl, &ms))
		RETURN_THROWS();
	do {
		zval_ptr_dtor(return_value);
		ZVAL_NULL(return_value);
		ZVAL_NULL(&old);
		found = find(cache, &key);
		generation = found ? SFSHM_G(result).generation : 0;
		if (found && !value_of_result(&old))
			RETURN_THROWS();
		if (!change(function, &old, found, return_value))
			RETURN_THROWS();
		r = store_if(cache, &key, return_value, ms, generation);
	} while (r == -ESTALE && ++tries < TRIES);
	if (EG(exception))
		RETURN_THROWS();
	if (r < 0 && error_of_segment(r))
		done(r);
	else if (r < 0)
		error_throw(r);
}

PHP_METHOD(Sfshm_Cache, delete)
{
	zend_string *name;
	struct key key;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_STR(name)
	ZEND_PARSE_PARAMETERS_END();
	if (!key_make(&key, THIS_CACHE(), name))
		RETURN_THROWS();
	RETURN_BOOL(done(remove_key(THIS_CACHE(), &key)));
}

/* Makes the value stale: callers with a grace still get it. */
PHP_METHOD(Sfshm_Cache, expire)
{
	const struct cache *cache = THIS_CACHE();
	zend_string *name;
	struct key key;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_STR(name)
	ZEND_PARSE_PARAMETERS_END();
	if (!key_make(&key, cache, name))
		RETURN_THROWS();
	if (cache->fleet)
		RETURN_BOOL(!fleet_invalidate(cache, &key, 0));
	RETURN_BOOL(cache->handle &&
		    !sfshm_invalidate(cache->handle, key.data, key.len, 0));
}

static int clear(const struct cache *cache)
{
	struct sfshm_walk walk = SFSHM_WALK_INIT;
	int r;

	if (!cache->handle)
		return -ESHUTDOWN;
	if (!cache->prefix)
		return sfshm_invalidate_all(cache->handle, SFSHM_HARD);
	while ((r = sfshm_next_key(cache->handle, ZSTR_VAL(cache->prefix),
				   ZSTR_LEN(cache->prefix), &walk)) == 1) {
		r = sfshm_invalidate(cache->handle, walk.key, walk.key_len,
				     SFSHM_HARD);
		if (r < 0 && r != -ENODATA)
			return r;
	}
	return r;
}

PHP_METHOD(Sfshm_Cache, clear)
{
	ZEND_PARSE_PARAMETERS_NONE();
	RETURN_BOOL(done(clear(THIS_CACHE())));
}

PHP_METHOD(Sfshm_Cache, invalidateTags)
{
	const struct cache *cache = THIS_CACHE();
	zend_string *tag;
	HashTable *tags;
	zval *each;
	bool all = cache->handle;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_ARRAY_HT(tags)
	ZEND_PARSE_PARAMETERS_END();
	if (!all)
		RETURN_FALSE;
	ZEND_HASH_FOREACH_VAL(tags, each)
	{
		tag = zval_try_get_string(each);
		if (!tag)
			RETURN_THROWS();
		if (!done(sfshm_invalidate_tag(cache->handle, ZSTR_VAL(tag),
					       ZSTR_LEN(tag))))
			all = false;
		zend_string_release(tag);
	}
	ZEND_HASH_FOREACH_END();
	RETURN_BOOL(all);
}

/* Makes an array of an iterable. False: an exception has come. */
static bool array_of(zval *iterable, bool keys, zval *array)
{
	zval keep;

	if (Z_TYPE_P(iterable) == IS_ARRAY) {
		ZVAL_COPY(array, iterable);
		return true;
	}
	ZVAL_BOOL(&keep, keys);
	ZVAL_UNDEF(array);
	zend_call_method_with_2_params(NULL, NULL, NULL, "iterator_to_array",
				       array, iterable, &keep);
	return !EG(exception);
}

PHP_METHOD(Sfshm_Cache, getMultiple)
{
	zval *keys, *absent = NULL, *each, array, value;
	zend_string *name;

	ZEND_PARSE_PARAMETERS_START(1, 2)
	Z_PARAM_ITERABLE(keys)
	Z_PARAM_OPTIONAL
	Z_PARAM_ZVAL(absent)
	ZEND_PARSE_PARAMETERS_END();
	if (!array_of(keys, false, &array))
		RETURN_THROWS();
	array_init(return_value);
	ZEND_HASH_FOREACH_VAL(Z_ARRVAL(array), each)
	{
		name = zval_try_get_string(each);
		if (!name)
			break;
		if (fetch(THIS_CACHE(), name, absent, &value))
			zend_symtable_update(Z_ARRVAL_P(return_value), name,
					     &value);
		zend_string_release(name);
		if (EG(exception))
			break;
	}
	ZEND_HASH_FOREACH_END();
	zval_ptr_dtor(&array);
}

PHP_METHOD(Sfshm_Cache, setMultiple)
{
	const struct cache *cache = THIS_CACHE();
	uint32_t ms = cache->policy.ttl_ms;
	zval *values, *ttl = NULL, *each, array;
	zend_string *name;
	zend_ulong number;
	bool all = true;

	ZEND_PARSE_PARAMETERS_START(1, 2)
	Z_PARAM_ITERABLE(values)
	Z_PARAM_OPTIONAL
	Z_PARAM_ZVAL(ttl)
	ZEND_PARSE_PARAMETERS_END();
	if (!time_ms(ttl, &ms) || !array_of(values, true, &array))
		RETURN_THROWS();
	ZEND_HASH_FOREACH_KEY_VAL(Z_ARRVAL(array), number, name, each)
	{
		name = name ? zend_string_copy(name) :
			      zend_long_to_str((zend_long)number);
		all = set(cache, name, each, ms) && all;
		zend_string_release(name);
		if (EG(exception))
			break;
	}
	ZEND_HASH_FOREACH_END();
	zval_ptr_dtor(&array);
	RETURN_BOOL(all);
}

PHP_METHOD(Sfshm_Cache, deleteMultiple)
{
	zval *keys, *each, array;
	zend_string *name;
	struct key key;
	bool all = true;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_ITERABLE(keys)
	ZEND_PARSE_PARAMETERS_END();
	if (!array_of(keys, false, &array))
		RETURN_THROWS();
	ZEND_HASH_FOREACH_VAL(Z_ARRVAL(array), each)
	{
		name = zval_try_get_string(each);
		if (!name)
			break;
		all = key_make(&key, THIS_CACHE(), name) &&
		      done(remove_key(THIS_CACHE(), &key)) && all;
		zend_string_release(name);
		if (EG(exception))
			break;
	}
	ZEND_HASH_FOREACH_END();
	zval_ptr_dtor(&array);
	RETURN_BOOL(all);
}

PHP_METHOD(Sfshm_Cache, counters)
{
	const struct cache *cache = THIS_CACHE();
	const char *name, *help;
	uint64_t value;
	uint32_t i;

	ZEND_PARSE_PARAMETERS_NONE();
	array_init(return_value);
	for (i = 0; cache->handle &&
		    !sfshm_counter(cache->handle, i, &name, &help, &value);
	     i++)
		add_assoc_long(return_value, name, (zend_long)value);
}
