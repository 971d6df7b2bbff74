/* SPDX-License-Identifier: MIT */
/*
 * Leading a flight: the callback runs here, and the flight ends here, on every
 * way out of the callback.
 *
 *   it returns              the value is published
 *   it throws               the flight fails, with the exception's message
 *   exit(), a fiber's end   the flight is released; a follower leads
 *   fatal error, memory or  the same; PHP then leaves the request
 *   time limit
 *
 * If nobody resumes a fiber that leads, the end of the request releases its
 * flight.
 */
#include "php_sfshm.h"
#include "sfshm_arginfo.h"

#include <ext/date/php_date.h>
#include <zend_exceptions.h>
#include <zend_interfaces.h>

/* If a value has no room, each caller runs its own work for this long. */
#define UNCACHEABLE_MS 1000

static zend_class_entry *item_ce;
static zend_object_handlers item_handlers;

struct item {
	struct lead *lead; /* NULL: there is no flight, or it has ended */
	zend_string *key;
	zend_object std;
};

static struct item *item_of(zend_object *object)
{
	return (struct item *)((char *)object - XtOffsetOf(struct item, std));
}

static zend_object *item_create(zend_class_entry *ce)
{
	struct item *item = zend_object_alloc(sizeof(*item), ce);

	zend_object_std_init(&item->std, ce);
	item->std.handlers = &item_handlers;
	return &item->std;
}

static void item_free(zend_object *object)
{
	struct item *item = item_of(object);

	if (item->key)
		zend_string_release(item->key);
	zend_object_std_dtor(object);
}

#define THIS_ITEM() item_of(Z_OBJ_P(ZEND_THIS))

PHP_METHOD(Sfshm_Item, getKey)
{
	const struct item *item = THIS_ITEM();

	ZEND_PARSE_PARAMETERS_NONE();
	if (item->key)
		RETURN_STR_COPY(item->key);
	RETURN_EMPTY_STRING();
}

static void set_ttl(struct item *item, uint32_t ms)
{
	if (item->lead)
		sfshm_flight_ttl(&item->lead->flight.host, ms,
				 item->lead->neg_ttl_ms);
}

PHP_METHOD(Sfshm_Item, expiresAfter)
{
	struct item *item = THIS_ITEM();
	uint32_t ms = item->lead ? item->lead->ttl_ms : 0;
	zval *time;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_ZVAL(time)
	ZEND_PARSE_PARAMETERS_END();
	if (!time_ms(time, &ms))
		RETURN_THROWS();
	set_ttl(item, ms);
	RETURN_OBJ_COPY(&item->std);
}

PHP_METHOD(Sfshm_Item, expiresAt)
{
	struct item *item = THIS_ITEM();
	uint32_t ms = item->lead ? item->lead->ttl_ms : 0;
	zval *time = NULL, then, now;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_OBJECT_OF_CLASS_OR_NULL(time, php_date_get_interface_ce())
	ZEND_PARSE_PARAMETERS_END();
	if (time) {
		zend_call_method_with_0_params(Z_OBJ_P(time), Z_OBJCE_P(time),
					       NULL, "gettimestamp", &then);
		zend_call_method_with_0_params(NULL, NULL, NULL, "time", &now);
		if (EG(exception))
			RETURN_THROWS();
		ms = seconds_ms((double)(Z_LVAL(then) - Z_LVAL(now)));
	}
	set_ttl(item, ms);
	RETURN_OBJ_COPY(&item->std);
}

static bool set_tag(struct item *item, zend_string *tag)
{
	int r;

	if (!item->lead)
		return true;
	r = sfshm_flight_tag(&item->lead->flight.host, ZSTR_VAL(tag),
			     ZSTR_LEN(tag));
	if (r == -ENOSPC)
		zend_throw_exception(exception_ce,
				     "a value has at most four tags", ENOSPC);
	else if (r == -EINVAL)
		zend_value_error("the tag is empty");
	return !EG(exception);
}

PHP_METHOD(Sfshm_Item, tag)
{
	struct item *item = THIS_ITEM();
	zend_string *tag = NULL;
	HashTable *tags = NULL;
	zval *each;
	bool done;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_ARRAY_HT_OR_STR(tags, tag)
	ZEND_PARSE_PARAMETERS_END();
	if (tag && !set_tag(item, tag))
		RETURN_THROWS();
	if (tags) {
		ZEND_HASH_FOREACH_VAL(tags, each)
		{
			tag = zval_try_get_string(each);
			if (!tag)
				RETURN_THROWS();
			done = set_tag(item, tag);
			zend_string_release(tag);
			if (!done)
				RETURN_THROWS();
		}
		ZEND_HASH_FOREACH_END();
	}
	RETURN_OBJ_COPY(&item->std);
}

PHP_METHOD(Sfshm_Item, previous)
{
	struct item *item = THIS_ITEM();
	zval *absent = NULL;

	ZEND_PARSE_PARAMETERS_START(0, 1)
	Z_PARAM_OPTIONAL
	Z_PARAM_ZVAL(absent)
	ZEND_PARSE_PARAMETERS_END();
	if (item->lead &&
	    !sfshm_flight_value(&item->lead->flight.host, &SFSHM_G(result))) {
		value_of_result(return_value);
		return;
	}
	if (absent)
		RETURN_COPY(absent);
}

PHP_METHOD(Sfshm_Item, extend)
{
	struct item *item = THIS_ITEM();
	double seconds;

	ZEND_PARSE_PARAMETERS_START(1, 1)
	Z_PARAM_DOUBLE(seconds)
	ZEND_PARSE_PARAMETERS_END();
	RETURN_BOOL(!item->lead || !sfshm_extend(&item->lead->flight.host,
						 seconds_ms(seconds)));
}

void item_register(void)
{
	zend_class_entry ce;

	INIT_NS_CLASS_ENTRY(ce, "Sfshm", "Item", class_Sfshm_Item_methods);
	item_ce = zend_register_internal_class(&ce);
	item_ce->ce_flags |= ZEND_ACC_FINAL | ZEND_ACC_NO_DYNAMIC_PROPERTIES |
			     ZEND_ACC_NOT_SERIALIZABLE;
	item_ce->create_object = item_create;
	item_handlers = *zend_get_std_object_handlers();
	item_handlers.offset = XtOffsetOf(struct item, std);
	item_handlers.free_obj = item_free;
	item_handlers.clone_obj = NULL;
}

struct lead *lead_spare(void)
{
	if (!SFSHM_G(spare))
		SFSHM_G(spare) = pecalloc(1, sizeof(struct lead), 1);
	return SFSHM_G(spare);
}

static struct lead *lead_begin(const struct ask *ask)
{
	struct lead *lead = SFSHM_G(spare);

	SFSHM_G(spare) = NULL;
	lead->handle = ask->cache->handle;
	lead->ttl_ms = ask->policy->ttl_ms;
	lead->neg_ttl_ms = ask->policy->neg_ttl_ms;
	lead->next = SFSHM_G(leads);
	lead->link = &SFSHM_G(leads);
	if (lead->next)
		lead->next->link = &lead->next;
	SFSHM_G(leads) = lead;
	return lead;
}

static void lead_end(struct lead *lead)
{
	if (lead->fleet)
		sfshm_fleet_cleanup(&lead->flight);
	else
		sfshm_flight_cleanup(&lead->flight.host);
	/* A shutdown function of the script may still use the item. */
	if (lead->item)
		lead->item->lead = NULL;
	*lead->link = lead->next;
	if (lead->next)
		lead->next->link = lead->link;
	if (SFSHM_G(spare)) {
		pefree(lead, 1);
		return;
	}
	memset(lead, 0, sizeof(*lead));
	SFSHM_G(spare) = lead;
}

void leads_release(void)
{
	struct lead *lead;

	while ((lead = SFSHM_G(leads))) {
		/* The first call for a handle releases all flights of the
		   request on that handle. */
		sfshm_release_all(lead->handle, SFSHM_G(task));
		lead_end(lead);
	}
}

static int publish_once(struct lead *lead, const struct bytes *bytes)
{
	return lead->fleet ? sfshm_fleet_publish(&lead->flight, bytes->data,
						 bytes->len) :
			     sfshm_publish(&lead->flight.host, bytes->data,
					   bytes->len);
}

static void publish(struct lead *lead, zval *value, bool save)
{
	struct sfshm_flight *flight = &lead->flight.host;
	struct bytes bytes;
	int r;

	if (!value_encode(&bytes, value))
		return;
	if (!save)
		sfshm_flight_ttl(flight, 0, 0);
	r = publish_once(lead, &bytes);
	if (r == -EMSGSIZE || r == -ENOSPC) {
		sfshm_flight_uncacheable(flight, UNCACHEABLE_MS);
		r = publish_once(lead, &bytes);
	}
	bytes_free(&bytes);
	if (r < 0 && error_of_segment(r) && r != -ESHUTDOWN && r != -ECHILD)
		error_warn(sfshm_strerror(r));
}

/* Fails the flight with the exception's message and code, unless the exception
   only ends the script. */
static void fail(struct lead *lead)
{
	zend_object *e = EG(exception);
	zend_class_entry *base;
	zend_string *text;
	zval room, *message, *code;
	zend_long number = 0;

	if (zend_is_unwind_exit(e) || zend_is_graceful_exit(e))
		return;
	base = zend_get_exception_base(e);
	code = zend_read_property(base, e, "code", sizeof("code") - 1, 1,
				  &room);
	if (Z_TYPE_P(code) == IS_LONG)
		number = Z_LVAL_P(code);
	if (!number || number <= INT32_MIN || number > INT32_MAX)
		number = -EREMOTEIO;
	message = zend_read_property(base, e, "message", sizeof("message") - 1,
				     1, &room);
	text = zval_get_string(message);
	/* If it is refused, the end of the lead releases the flight. */
	if (lead->fleet)
		(void)!sfshm_fleet_fail(&lead->flight, (int)number,
					ZSTR_VAL(text));
	else
		(void)!sfshm_fail(&lead->flight.host, (int)number,
				  ZSTR_VAL(text));
	zend_string_release(text);
}

/* Calls the callback. False: an exception has come. */
static bool call(struct ask *ask, struct item *item, bool *save,
		 zval *return_value)
{
	zend_fcall_info fci;
	zend_fcall_info_cache fcc;
	zval args[2];

	if (zend_fcall_info_init(ask->callback, 0, &fci, &fcc, NULL, NULL) ==
	    FAILURE) {
		zend_type_error("the callback cannot be called");
		return false;
	}
	fci.retval = return_value;
	fci.params = args;
	fci.param_count = ask->entry ? 1 : 2;
	if (ask->entry) {
		ZVAL_STR(&args[0], item->key);
	} else {
		ZVAL_OBJ(&args[0], &item->std);
		ZVAL_NEW_EMPTY_REF(&args[1]);
		ZVAL_TRUE(Z_REFVAL(args[1]));
	}
	zend_call_function(&fci, &fcc);
	if (!ask->entry) {
		*save = zend_is_true(Z_REFVAL(args[1]));
		zval_ptr_dtor(&args[1]);
	}
	return !EG(exception) && Z_TYPE_P(return_value) != IS_UNDEF;
}

static struct item *item_new(const struct ask *ask, struct lead *lead)
{
	size_t prefix = ask->cache->prefix ? ZSTR_LEN(ask->cache->prefix) : 0;
	struct item *item = item_of(item_create(item_ce));

	item->lead = lead;
	item->key = zend_string_init(ask->key.data + prefix,
				     ask->key.len - prefix, 0);
	return item;
}

static void lead_call(struct ask *ask, struct lead *lead, zval *return_value)
{
	struct item *item = item_new(ask, lead);
	bool save = true, done;

	if (lead)
		lead->item = item;
	done = call(ask, item, &save, return_value);
	item->lead = NULL;
	if (lead)
		lead->item = NULL;
	OBJ_RELEASE(&item->std);
	if (!lead)
		return;
	if (done) {
		if (Z_ISREF_P(return_value))
			zend_unwrap_reference(return_value);
		publish(lead, return_value, save);
	}
	if (EG(exception))
		fail(lead);
}

void lead_alone(struct ask *ask, zval *return_value)
{
	lead_call(ask, NULL, return_value);
}

void lead(struct ask *ask, zval *return_value)
{
	struct lead *mine = lead_begin(ask);

	zend_try
	{
		if (mine->away)
			fleet_warn(ask->cache->fleet);
		/* The script's error handler may have thrown. */
		if (!EG(exception))
			lead_call(ask, mine, return_value);
	}
	zend_catch
	{
		lead_end(mine);
		zend_bailout();
	}
	zend_end_try();
	lead_end(mine);
}

int interrupt_pending(void *arg)
{
	(void)arg;
#if PHP_VERSION_ID >= 80200
	return zend_atomic_bool_load_ex(&EG(vm_interrupt));
#else
	return EG(vm_interrupt);
#endif
}

/* Does what PHP's virtual machine does between two steps of a script. */
void interrupt_handle(void)
{
#if PHP_VERSION_ID >= 80200
	zend_atomic_bool_store_ex(&EG(vm_interrupt), false);
	if (zend_atomic_bool_load_ex(&EG(timed_out)))
		zend_timeout();
#else
	EG(vm_interrupt) = 0;
	if (EG(timed_out))
		zend_timeout();
#endif
	if (zend_interrupt_function)
		zend_interrupt_function(EG(current_execute_data));
}
