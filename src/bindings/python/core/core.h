/* SPDX-License-Identifier: MIT */
/*
 * The extension module sfshm._core: what its files share.
 *
 * All functions here are called with the interpreter's lock (the GIL) held. A
 * call of the library that may sleep is made without it. A hit keeps the lock:
 * it waits for nobody, and so one buffer serves all threads.
 */
#ifndef CORE_H
#define CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <sfshm.h>

#if SFSHM_VERSION_MAJOR != 0 || SFSHM_VERSION_MINOR < 1
#error "sfshm for Python needs the headers of sfshm 0.1 or a later 0.x"
#endif

/* The defaults of a cache, or what one call asks for. */
struct request {
	struct sfshm_policy policy;
	uint64_t timeout_ms; /* of waits; 0: no limit */
	PyObject *tags;      /* borrowed; NULL: none */
	PyObject *claim;     /* borrowed; NULL: none */
};

/* sfshm._core.Segment, the base of sfshm.Cache. */
struct segment {
	PyObject_HEAD struct sfshm
		*handle; /* shared in the process, never closed */
	struct request defaults;
	PyObject *name;  /* str or None */
	PyObject *dumps; /* the serializer's functions, or NULL */
	PyObject *loads;
	struct fleet *fleet; /* fleet.c; NULL: none */
};

/* The bytes of a key. A longer key than the library takes is hashed. */
struct key {
	const char *data;
	size_t len;
	char hashed[64];
};

/* A call of get_or_create(), and its flight if it leads. */
struct lead {
	struct segment *self;
	struct key *key;
	struct request *request;
	struct sfshm_fleet *fleet; /* NULL: the flight is of this host alone */
	struct sfshm_fleet_flight flight;
};

/*
 * The result of calls that keep the GIL from the call until its bytes have been
 * copied, so that one buffer serves all threads.
 */
extern struct sfshm_result core_hit;

/*
 * What an Ask or a Take tells its task (a coroutine or greenlet) to do next.
 * The numbers are those of package/sfshm/_async.py.
 */
enum step {
	STEP_BEGIN,  /* call begin() */
	STEP_WAIT,   /* wait until the queue names the wait, then finish() */
	STEP_SLEEP,  /* call sleep() in a thread that may sleep */
	STEP_LEAD,   /* run the work, then call publish() or fail() */
	STEP_ALONE,  /* run the work, which nobody shares, then call unwrap() */
	STEP_RETURN, /* return take() */
	STEP_HELD,   /* the lock or permit is held: call release() in the end */
};

/* A wait that the queue of an event loop watches. */
struct polled {
	PyObject *queue;  /* NULL: no wait goes on */
	PyObject *future; /* what the loop completes if the wait may be over */
	struct sfshm_wait wait;
};

/* What lock() or semaphore() asks for. */
struct terms {
	struct segment *segment; /* a reference, as the name */
	PyObject *name;
	int is_semaphore;
	int is_shared; /* a lock */
	uint32_t max;  /* permits */
	uint32_t rank;
};

/*
 * sfshm._core.Take: a lock or a permit on its way from the first try to the
 * release. It belongs to the thread that took it, or to a task. The object
 * gives back at its end what it still holds. The struct is not moved.
 */
struct take {
	PyObject_HEAD struct take *next; /* hold.c: a reference */
	struct terms terms;
	struct key key;
	/*
	 * The task, whose address is its number for the library, so the object
	 * must exist as long as the hold; None: a task without a number; NULL:
	 * the thread.
	 */
	PyObject *owner;
	pthread_t thread;
	uint64_t deadline; /* of waits; 0: none */
	struct polled polled;
	struct sfshm_cancel cancel; /* of sleep() */
	struct sfshm_lock lock;
	struct sfshm_permit permit;
	int owner_died; /* the lock's last holder has died */
	enum step step;
};

/* errors.c: these raise an exception and return NULL. */
PyObject *core_raise(int rc, const char *why);
/* sfshm.Unusable with this code */
PyObject *core_raise_unusable(int code, const char *why);
PyObject *core_raise_result(int rc, const struct sfshm_result *result);
/* These write to the log. They return 0, or -1 with an exception. */
int core_log_local(int rc);
int core_log_stale(PyObject *exception);
int core_log_away(const char *why);
/* Clears the exception, and returns the code and message of a failure. */
int core_failure(PyObject *exception, char *message, size_t size);
/* Returns a new reference, or NULL with an exception. */
PyObject *core_python(const char *module, const char *name);

/* arguments.c: each returns 0, or -1 with an exception. */
int core_key(PyObject *object, struct key *key);
int core_ms(PyObject *seconds, uint32_t none, uint32_t *ms);
int core_option(struct request *request, PyObject *name, PyObject *value);
int core_options(struct request *request, PyObject *const *values,
		 PyObject *names);
int core_tags(PyObject *tags, struct iovec *tag, int *count);

/* values.c */
PyObject *core_encode(struct segment *self, PyObject *value);
PyObject *core_decode(struct segment *self, const void *stored, size_t size);
PyObject *core_decode_hit(struct segment *self);

/* flight.c, hold.c: methods of a segment */
PyObject *core_get_or_create(PyObject *object, PyObject *const *args,
			     Py_ssize_t count, PyObject *names);
PyObject *core_touch(PyObject *object, PyObject *args);
PyObject *core_lock(PyObject *segment, PyObject *args);
PyObject *core_semaphore(PyObject *segment, PyObject *args);

/* flight.c: ask.c calls these as well */
PyObject *core_store(struct lead *lead, PyObject *made);
void core_end_failed(struct lead *lead);
/* Gives the flight back unless it has ended. */
void core_drop(struct lead *lead);
PyObject *core_old_value(struct lead *lead);
PyObject *core_unwrap(PyObject *made, int *is_terms);
int core_is_local(int rc);
int core_set_claim(struct request *request, struct key *claim);
/* Whether the program has loaded gevent. */
int core_has_gevent(void);

/* take.c: each returns 0 or 1 (the lock's last holder has died), or an error;
   after -EINTR there is an exception. */
int core_take_try(struct take *self);
int core_take_asleep(struct take *self);
int core_take_give_back(struct take *self);
/* Returns a new reference, or NULL with an exception. */
struct take *core_take_new(PyObject *type, const struct terms *terms,
			   PyObject *owner);

/* ask.c: get_or_create() without a sleep; a method of a segment */
PyObject *core_ask(PyObject *object, PyObject *const *args, Py_ssize_t count,
		   PyObject *names);

/* fleet.c: each returns 0, or -1 with an exception. */
int core_fleet_join(struct segment *self, PyObject *url, PyObject *options);
/* Leaves lead->fleet NULL if the work is to run for this host alone. */
int core_fleet_find(struct lead *lead);
void core_fleet_leave(struct segment *self);
/* Adds `change`, 1 or -1, to the number of flights that use the fleet. */
void core_fleet_count(struct lead *lead, int change);
/* Returns an outcome; after -EINTR there is an exception. */
int core_fleet_invalidate(struct segment *self, const struct key *key,
			  uint32_t flags);

/* methods.c: the calls of a segment that neither lead nor wait */
PyObject *core_get(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *core_peek(PyObject *self, PyObject *args);
PyObject *core_entry(PyObject *self, PyObject *name);
PyObject *core_contains(PyObject *self, PyObject *name);
PyObject *core_set(PyObject *self, PyObject *const *args, Py_ssize_t count,
		   PyObject *names);
PyObject *core_set_if(PyObject *self, PyObject *args);
PyObject *core_invalidate(PyObject *self, PyObject *args);
PyObject *core_invalidate_tag(PyObject *self, PyObject *tag);
PyObject *core_invalidate_all(PyObject *self, PyObject *args);
PyObject *core_next_keys(PyObject *self, PyObject *prefix);
PyObject *core_counters(PyObject *self, PyObject *none);
PyObject *core_verify(PyObject *self, PyObject *none);

/* The types */
extern PyType_Spec core_segment_spec;
extern PyType_Spec core_hold_spec;
extern PyType_Spec core_ask_spec;
extern PyType_Spec core_take_spec;
extern PyType_Spec core_queue_spec;
/* queue.c: the queue of a Queue object; NULL: it has none yet, or the object is
   of another type */
struct sfshm_queue *core_queue_of(PyObject *object);
/* The wait's `data` is the struct. After -EINPROGRESS: the wait goes on. */
void core_polled_began(struct polled *polled, PyObject *queue);
void core_polled_set_future(struct polled *polled, PyObject *future);
/* Ends the wait if there is one. */
void core_polled_cancel(struct polled *polled);

/* wait.c: whether this is the thread that runs Python's signal handlers */
int core_is_main(void);
/* sfshm_begin(), or that of the fleet, without the GIL; a signal's handler ends
   the wait. */
int core_begin(struct lead *lead, struct sfshm_result *result);

#endif
