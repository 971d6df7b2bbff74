/* SPDX-License-Identifier: MIT */
/*
 * Locks and permits. An object of Sfshm\Lock or Sfshm\Permit holds one until
 * release(), until PHP destroys the object, or until the request ends,
 * whichever comes first. If the process dies, the library gives them back.
 *
 * The library's waits for locks and permits call no function of this extension,
 * so take() waits in slices: after each slice PHP handles what is due (a time
 * limit, a signal).
 */
#include "php_sfshm.h"
#include "sfshm_arginfo.h"

#include <zend_exceptions.h>
#include <zend_interfaces.h>

#define SLICE_MS 100

static zend_class_entry *lock_ce, *permit_ce;
static zend_object_handlers held_handlers;

static struct held *held_of(zend_object *object)
{
	return (struct held *)((char *)object - XtOffsetOf(struct held, std));
}
#define THIS_HELD() held_of(Z_OBJ_P(ZEND_THIS))

static zend_object *held_create(zend_class_entry *ce)
{
	struct held *held = zend_object_alloc(sizeof(*held), ce);

	held->is_lock = ce == lock_ce;
	zend_object_std_init(&held->std, ce);
	held->std.handlers = &held_handlers;
	return &held->std;
}

/* Gives back what the object holds. False: it holds nothing any more. */
static bool give_back(struct held *held)
{
	if (!held->link)
		return false;
	*held->link = held->next;
	if (held->next)
		held->next->link = held->link;
	held->link = NULL;
	if (held->is_lock)
		sfshm_lock_cleanup(&held->lock);
	else
		sfshm_permit_cleanup(&held->permit);
	return true;
}

static void held_free(zend_object *object)
{
	give_back(held_of(object));
	zend_object_std_dtor(object);
}

void held_release(void)
{
	while (SFSHM_G(held))
		give_back(SFSHM_G(held));
}

static void held_keep(struct held *held)
{
	held->next = SFSHM_G(held);
	held->link = &SFSHM_G(held);
	if (held->next)
		held->next->link = &held->next;
	SFSHM_G(held) = held;
}

/* The lock or permit that a call asks for. */
struct want {
	struct sfshm *handle;
	struct key key;
	bool try;
	bool shared;
	uint32_t permits;
	uint64_t deadline_ns;
};

static int take_lock(const struct want *want, struct held *held)
{
	struct sfshm_lock_options options = SFSHM_LOCK_OPTIONS_INIT;

	options.flags =
		(want->try ? SFSHM_LOCK_TRY | SFSHM_LOCK_OWN_IS_BUSY : 0) |
		(want->shared ? SFSHM_LOCK_SHARED : 0);
	options.wait_timeout_ms = SLICE_MS;
	options.deadline_ns = want->deadline_ns;
	return sfshm_lock(want->handle, want->key.data, want->key.len, &options,
			  &held->lock);
}

static int take_permit(const struct want *want, struct held *held)
{
	struct sfshm_semaphore_options options = SFSHM_SEMAPHORE_OPTIONS_INIT;

	options.flags = want->try ? SFSHM_SEMAPHORE_TRY : 0;
	options.max = want->permits;
	options.wait_timeout_ms = SLICE_MS;
	options.deadline_ns = want->deadline_ns;
	return sfshm_acquire(want->handle, want->key.data, want->key.len,
			     &options, &held->permit);
}

/* Sets return_value to an object that holds the lock or permit. If there is
   none to take, throws, or leaves null if the caller only tries. */
static void take(zval *return_value, zend_class_entry *ce,
		 const struct want *want)
{
	struct held *held;
	int r;

	object_init_ex(return_value, ce);
	held = held_of(Z_OBJ_P(return_value));
	for (;;) {
		r = held->is_lock ? take_lock(want, held) :
				    take_permit(want, held);
		if (r != -ETIMEDOUT ||
		    sfshm_deadline_ms(0) >= want->deadline_ns)
			break;
		if (interrupt_pending(NULL))
			interrupt_handle();
		if (EG(exception))
			return;
	}
	if (r >= 0) {
		held->owner_died = r == SFSHM_OWNER_DIED;
		held_keep(held);
		return;
	}
	zval_ptr_dtor(return_value);
	ZVAL_NULL(return_value);
	if (!want->try || r != -EBUSY)
		error_throw(r);
}

/* Fills in *want. False: an exception says why not. */
static bool prepare(struct want *want, const struct cache *cache,
		    const zend_string *name, double timeout, bool none)
{
	uint32_t ms;

	if (!key_make(&want->key, cache, name))
		return false;
	if (!cache->handle) {
		zend_throw_exception(exception_ce, "the segment cannot be used",
				     ENOENT);
		return false;
	}
	want->handle = cache->handle;
	ms = none ? cache->policy.wait_timeout_ms : seconds_ms(timeout);
	/* A cache's timeout of 0 is no limit, as in php.ini; a call with a
	   timeout of 0 does not wait. */
	want->deadline_ns = sfshm_deadline_ms(none && !ms ? SFSHM_FOREVER : ms);
	return true;
}

PHP_METHOD(Sfshm_Cache, lock)
{
	zend_string *name;
	double timeout = 0;
	bool none = true, shared = false;
	struct want want = { 0 };

	ZEND_PARSE_PARAMETERS_START(1, 3)
	Z_PARAM_STR(name)
	Z_PARAM_OPTIONAL
	Z_PARAM_DOUBLE_OR_NULL(timeout, none)
	Z_PARAM_BOOL(shared)
	ZEND_PARSE_PARAMETERS_END();
	want.shared = shared;
	if (!prepare(&want, THIS_CACHE(), name, timeout, none))
		RETURN_THROWS();
	take(return_value, lock_ce, &want);
}

PHP_METHOD(Sfshm_Cache, tryLock)
{
	zend_string *name;
	bool shared = false;
	struct want want = { .try = true };

	ZEND_PARSE_PARAMETERS_START(1, 2)
	Z_PARAM_STR(name)
	Z_PARAM_OPTIONAL
	Z_PARAM_BOOL(shared)
	ZEND_PARSE_PARAMETERS_END();
	want.shared = shared;
	if (!prepare(&want, THIS_CACHE(), name, 0, false))
		RETURN_THROWS();
	take(return_value, lock_ce, &want);
}

static bool permits_fit(zend_long permits)
{
	if (permits >= 1 && permits <= SFSHM_PERMITS_MAX)
		return true;
	zend_argument_value_error(2, "must be 1 to %d", SFSHM_PERMITS_MAX);
	return false;
}

PHP_METHOD(Sfshm_Cache, acquire)
{
	zend_string *name;
	zend_long permits;
	double timeout = 0;
	bool none = true;
	struct want want = { 0 };

	ZEND_PARSE_PARAMETERS_START(2, 3)
	Z_PARAM_STR(name)
	Z_PARAM_LONG(permits)
	Z_PARAM_OPTIONAL
	Z_PARAM_DOUBLE_OR_NULL(timeout, none)
	ZEND_PARSE_PARAMETERS_END();
	if (!permits_fit(permits) ||
	    !prepare(&want, THIS_CACHE(), name, timeout, none))
		RETURN_THROWS();
	want.permits = (uint32_t)permits;
	take(return_value, permit_ce, &want);
}

PHP_METHOD(Sfshm_Cache, tryAcquire)
{
	zend_string *name;
	zend_long permits;
	struct want want = { .try = true };

	ZEND_PARSE_PARAMETERS_START(2, 2)
	Z_PARAM_STR(name)
	Z_PARAM_LONG(permits)
	ZEND_PARSE_PARAMETERS_END();
	if (!permits_fit(permits) ||
	    !prepare(&want, THIS_CACHE(), name, 0, false))
		RETURN_THROWS();
	want.permits = (uint32_t)permits;
	take(return_value, permit_ce, &want);
}

PHP_METHOD(Sfshm_Lock, release)
{
	ZEND_PARSE_PARAMETERS_NONE();
	RETURN_BOOL(give_back(THIS_HELD()));
}

PHP_METHOD(Sfshm_Lock, ownerDied)
{
	ZEND_PARSE_PARAMETERS_NONE();
	RETURN_BOOL(THIS_HELD()->owner_died);
}

PHP_METHOD(Sfshm_Lock, generation)
{
	ZEND_PARSE_PARAMETERS_NONE();
	RETURN_LONG((zend_long)sfshm_lock_generation(&THIS_HELD()->lock));
}

PHP_METHOD(Sfshm_Permit, release)
{
	ZEND_PARSE_PARAMETERS_NONE();
	RETURN_BOOL(give_back(THIS_HELD()));
}

static zend_class_entry *register_class(zend_class_entry *like)
{
	zend_class_entry *ce = zend_register_internal_class(like);

	ce->ce_flags |= ZEND_ACC_FINAL | ZEND_ACC_NO_DYNAMIC_PROPERTIES |
			ZEND_ACC_NOT_SERIALIZABLE;
	ce->create_object = held_create;
	return ce;
}

void held_register(void)
{
	zend_class_entry ce;

	INIT_NS_CLASS_ENTRY(ce, "Sfshm", "Lock", class_Sfshm_Lock_methods);
	lock_ce = register_class(&ce);
	INIT_NS_CLASS_ENTRY(ce, "Sfshm", "Permit", class_Sfshm_Permit_methods);
	permit_ce = register_class(&ce);
	held_handlers = *zend_get_std_object_handlers();
	held_handlers.offset = XtOffsetOf(struct held, std);
	held_handlers.free_obj = held_free;
	held_handlers.clone_obj = NULL;
}
