/* SPDX-License-Identifier: MIT */
/*
 * The PHP extension. A request asks for values through objects of Sfshm\Cache
 * (cache.c, store.c), which name a segment and perhaps a fleet (fleet.c); it
 * leads flights (lead.c) and holds locks and permits (held.c).
 *
 * The flights, locks and permits of a request are on lists in the module's
 * globals, and the end of the request gives them back. The functions that took
 * them cannot: PHP leaves functions by longjmp() at a fatal error, a memory
 * limit and a time limit.
 */
#ifndef PHP_SFSHM_H
#define PHP_SFSHM_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <php.h>
#include <zend_smart_str.h>

#include <sfshm.h>
#include <sfshm/fleet-redis.h>

#define PHP_SFSHM_VERSION "0.1.0"

#if SFSHM_VERSION_MAJOR != 0 || SFSHM_VERSION_MINOR < 1
#error "sfshm for PHP needs the headers of sfshm 0.1 or a later 0.x"
#endif

extern zend_module_entry sfshm_module_entry;
#define phpext_sfshm_ptr &sfshm_module_entry

struct item;
struct fleet;

/* A flight that the request leads. It is not in the request's memory, because
   PHP may free that after a fatal error while the library still uses the
   flight. */
struct lead {
	struct lead *next, **link;
	struct sfshm *handle;
	uint32_t ttl_ms; /* the value's lifetime if the callback sets none */
	uint32_t neg_ttl_ms;       /* a failure's lifetime */
	struct item *item;         /* the callback's object; or NULL */
	struct sfshm_fleet *fleet; /* NULL: the flight is this host's alone */
	bool away;                 /* the fleet could not be asked */
	struct sfshm_fleet_flight flight;
};

/* A lock or a permit, within its object. */
struct held {
	struct held *next, **link; /* link NULL: it is on no list */
	bool is_lock;
	bool owner_died;
	union {
		struct sfshm_lock lock;
		struct sfshm_permit permit;
	};
	zend_object std;
};

ZEND_BEGIN_MODULE_GLOBALS(sfshm)
/* clang-format off */
	char *segment;
	zend_long size, slots, max_value, participants;
	char *mode;
	char *fleet;	      /* a URL */
	double timeout;

	uint64_t task;	      /* names the request among the process's */
	struct lead *leads;   /* flights that the request leads */
	struct lead *spare;   /* room for the next one */
	struct held *held;    /* locks and permits that the request holds */
	struct fleet *fleets; /* that this worker has joined */
	struct sfshm_result result;
	bool warned;	      /* that the segment cannot be used */
/* clang-format on */
ZEND_END_MODULE_GLOBALS(sfshm)

ZEND_EXTERN_MODULE_GLOBALS(sfshm)
#define SFSHM_G(v) ZEND_MODULE_GLOBALS_ACCESSOR(sfshm, v)

struct cache {
	struct sfshm *handle; /* NULL: the segment cannot be used */
	struct fleet *fleet;  /* NULL: none */
	zend_string *prefix;  /* of all keys; or NULL */
	struct sfshm_policy policy;
	zend_object std;
};

static inline struct cache *cache_of(zend_object *object)
{
	return (struct cache *)((char *)object - XtOffsetOf(struct cache, std));
}
#define THIS_CACHE() cache_of(Z_OBJ_P(ZEND_THIS))

/* A key with its prefix. */
struct key {
	const char *data;
	size_t len;
	char buffer[SFSHM_KEY_MAX];
};

/* False: the key is empty or too long, and an exception says so. */
bool key_make(struct key *key, const struct cache *cache,
	      const zend_string *name);

/* values.c: strings are stored as they are, other values serialized. */

struct bytes {
	const char *data;
	size_t len;
	smart_str buffer;
};

/* False: the value cannot be serialized, and an exception says why. */
bool value_encode(struct bytes *bytes, zval *value);
void bytes_free(struct bytes *bytes);
/* False: the bytes are no PHP value, and an exception says so. */
bool value_decode(zval *value, const char *data, size_t len);
/* The value of the last call's result. */
bool value_of_result(zval *value);

/*
 * The milliseconds of a time that PHP code gives: seconds, or a DateInterval.
 * null leaves *ms as it is. False: an exception says what is wrong.
 */
bool time_ms(zval *time, uint32_t *ms);
uint32_t seconds_ms(double seconds);

/* errors.c */

extern zend_class_entry *exception_ce, *timeout_ce, *work_ce, *away_ce;
void errors_register(void);
/* Throws the exception of a call's error. */
void error_throw(int error);
/* The segment cannot be used: warns once in a request. */
void error_warn(const char *why);
/* Whether the error is the segment's, not the caller's or the work's. */
bool error_of_segment(int error);

/* lead.c */

struct ask {
	struct cache *cache;
	struct key key;
	zval *callback;
	bool entry; /* the callback gets the key, as with apcu_entry() */
	struct sfshm_policy *policy;
	zval *metadata; /* or NULL */
};

void item_register(void);
struct lead *lead_spare(void);
/* The caller leads G(spare)'s flight: runs the callback and ends the flight. */
void lead(struct ask *ask, zval *return_value);
/* Runs the callback without a flight. */
void lead_alone(struct ask *ask, zval *return_value);
void leads_release(void);

/* Whether a signal or a time limit waits for PHP to handle it. */
int interrupt_pending(void *arg);
void interrupt_handle(void);

/* fleet.c */

/* The cache, which has a segment, joins the fleet of `url`. `options` is an
   array, or NULL. False: an exception says why not. */
bool fleet_join(struct cache *cache, const char *url, zval *options);
void fleets_close(struct fleet **list);
/*
 * sfshm_fleet_begin() for the cache's fleet, with lead->flight; fills in
 * lead->fleet and lead->away. Returns as that call, but not -EREMOTE or
 * -ECHILD. After -EHOSTUNREACH fleet_throw() throws the exception.
 */
int fleet_begin(const struct ask *ask, struct lead *lead);
void fleet_throw(const struct fleet *fleet);
/* Warns, once in an outage, that the fleet is away. */
void fleet_warn(struct fleet *fleet);
/* Returns as sfshm_fleet_invalidate(). */
int fleet_invalidate(const struct cache *cache, const struct key *key,
		     uint32_t flags);

/* held.c */

void held_register(void);
void held_release(void);

/* cache.c */

void cache_register(void);
/* False: an exception says that argument `number` cannot be called. */
bool callable(zval *callback, uint32_t number);

#endif
