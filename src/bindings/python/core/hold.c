/* SPDX-License-Identifier: MIT */
/*
 * Locks and semaphores, as objects like threading.Lock: several threads may
 * share one object, and each releases what it has taken.
 */
#include <pthread.h>
#include "core.h"
#include <structmember.h>

/* Python looks for signals after each slice of the main thread's waits. */
#define SLICE_MS 50

/* A lock or permit that one thread holds. The struct is not moved. */
struct held {
	struct held *next;
	pthread_t thread;
	struct sfshm_lock lock;
	struct sfshm_permit permit;
};

struct guard {
	PyObject_HEAD PyObject *segment;
	PyObject *name;
	struct held *first;
	int is_semaphore;
	uint32_t max; /* permits */
	uint32_t rank;
	uint32_t flags;      /* of a lock */
	uint32_t timeout_ms; /* of `with`; 0: no limit */
	int owner_died;      /* the lock's last holder has died */
};

static int take_once(struct guard *self, struct key *key, uint32_t flags,
		     uint64_t deadline, struct held *held)
{
	struct sfshm *handle = ((struct segment *)self->segment)->handle;
	struct sfshm_semaphore_options permit = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct sfshm_lock_options lock = SFSHM_LOCK_OPTIONS_INIT;

	if (self->is_semaphore) {
		permit.flags = flags ? SFSHM_SEMAPHORE_TRY : 0;
		permit.max = self->max;
		permit.rank = self->rank;
		permit.deadline_ns = deadline;
		return sfshm_acquire(handle, key->data, key->len, &permit,
				     &held->permit);
	}
	lock.flags = self->flags | flags;
	lock.rank = self->rank;
	lock.deadline_ns = deadline;
	return sfshm_lock(handle, key->data, key->len, &lock, &held->lock);
}

static int wait_once(struct guard *self, struct key *key, uint64_t deadline,
		     struct held *held)
{
	int rc;

	Py_BEGIN_ALLOW_THREADS;
	rc = take_once(self, key, 0, deadline, held);
	Py_END_ALLOW_THREADS;
	return rc;
}

/*
 * Waits, until `deadline` (0: none). A lock or permit that becomes free between
 * two slices is not missed: the next slice takes it at once. After -EINTR there
 * is an exception.
 */
static int wait_for(struct guard *self, struct key *key, uint64_t deadline,
		    struct held *held)
{
	uint64_t slice;
	int rc;

	if (!core_is_main())
		return wait_once(self, key, deadline, held);
	for (;;) {
		slice = sfshm_deadline_ms(SLICE_MS);
		if (deadline && deadline < slice)
			slice = deadline;
		rc = wait_once(self, key, slice, held);
		if (rc != -ETIMEDOUT || slice == deadline)
			return rc;
		if (PyErr_CheckSignals() < 0)
			return -EINTR;
	}
}

/* Returns 0 or 1 (the last holder has died), or an error. */
static int take(struct guard *self, int wait, uint32_t timeout_ms)
{
	struct held *held;
	struct key key;
	int rc;

	if (core_key(self->name, &key) < 0)
		return -EINTR;
	held = PyMem_Calloc(1, sizeof(*held));
	if (!held) {
		PyErr_NoMemory();
		return -EINTR;
	}
	rc = take_once(self, &key, SFSHM_LOCK_TRY, 0, held);
	if (rc == -EBUSY && wait)
		rc = wait_for(self, &key,
			      timeout_ms ? sfshm_deadline_ms(timeout_ms) : 0,
			      held);
	if (rc < 0) {
		PyMem_Free(held);
		return rc;
	}
	held->thread = pthread_self();
	held->next = self->first;
	self->first = held;
	self->owner_died = rc == SFSHM_OWNER_DIED;
	return rc;
}

/* The lock or permit that this thread took last and still holds, or NULL. */
static struct held **mine(struct guard *self)
{
	struct held **at = &self->first;

	while (*at && !pthread_equal((*at)->thread, pthread_self()))
		at = &(*at)->next;
	return *at ? at : NULL;
}

static int give_back(struct guard *self, struct held **at)
{
	struct held *held = *at;
	int rc;

	*at = held->next;
	rc = self->is_semaphore ? sfshm_permit_release(&held->permit) :
				  sfshm_unlock(&held->lock);
	PyMem_Free(held);
	return rc;
}

/* Whether the time is -1, threading's number for no limit. */
static int is_no_limit(PyObject *timeout)
{
	double seconds = PyFloat_AsDouble(timeout);

	if (!PyErr_Occurred())
		return seconds == -1.0;
	PyErr_Clear();
	return 0;
}

/* acquire(blocking=True, timeout=-1): whether it is held now */
static PyObject *hold_acquire(PyObject *object, PyObject *args, PyObject *named)
{
	static char *names[] = { "blocking", "timeout", NULL };
	struct guard *self = (struct guard *)object;
	PyObject *timeout = NULL;
	uint32_t ms = 0;
	int rc, blocking = 1;

	if (!PyArg_ParseTupleAndKeywords(args, named, "|pO:acquire", names,
					 &blocking, &timeout))
		return NULL;
	if (timeout && !is_no_limit(timeout)) {
		if (core_ms(timeout, 0, &ms) < 0)
			return NULL;
		if (ms == 0 && timeout != Py_None)
			blocking = 0;
	}
	rc = take(self, blocking, ms);
	if (rc == -EBUSY || rc == -ETIMEDOUT)
		Py_RETURN_FALSE;
	if (rc < 0)
		return rc == -EINTR ? NULL : core_raise(rc, NULL);
	Py_RETURN_TRUE;
}

static PyObject *hold_release(PyObject *object, PyObject *Py_UNUSED(none))
{
	struct guard *self = (struct guard *)object;
	struct held **at = mine(self);
	int rc = at ? give_back(self, at) : -EPERM;

	/* -ECHILD: the child of a fork has a copy of what its parent holds. */
	if (rc < 0 && rc != -ECHILD && rc != -ESHUTDOWN)
		return core_raise(
			rc,
			rc == -EPERM ?
				"this thread does not hold the lock or permit" :
				NULL);
	Py_RETURN_NONE;
}

static PyObject *hold_enter(PyObject *object, PyObject *Py_UNUSED(none))
{
	struct guard *self = (struct guard *)object;
	int rc = take(self, 1, self->timeout_ms);

	if (rc < 0)
		return rc == -EINTR ? NULL : core_raise(rc, NULL);
	Py_INCREF(object);
	return object;
}

static PyObject *hold_exit(PyObject *object, PyObject *Py_UNUSED(args))
{
	return hold_release(object, NULL);
}

static PyObject *hold_locked(PyObject *object, PyObject *Py_UNUSED(none))
{
	return PyBool_FromLong(mine((struct guard *)object) != NULL);
}

static PyObject *hold_generation(PyObject *object, void *Py_UNUSED(closure))
{
	struct held **at = mine((struct guard *)object);

	return PyLong_FromUnsignedLongLong(
		at ? sfshm_lock_generation(&(*at)->lock) : 0);
}

static PyObject *hold_owner_died(PyObject *object, void *Py_UNUSED(closure))
{
	return PyBool_FromLong(((struct guard *)object)->owner_died);
}

static void hold_free(PyObject *object)
{
	struct guard *self = (struct guard *)object;
	PyTypeObject *type = Py_TYPE(object);

	/* The library gives back another thread's holds as that thread ends. */
	while (self->first)
		give_back(self, &self->first);
	Py_XDECREF(self->segment);
	Py_XDECREF(self->name);
	type->tp_free(object);
	Py_DECREF(type);
}

static PyObject *hold_new(PyTypeObject *Py_UNUSED(type),
			  PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named))
{
	PyErr_SetString(PyExc_TypeError,
			"use Cache.lock() or Cache.semaphore()");
	return NULL;
}

static PyMethodDef hold_methods[] = {
	{ "acquire", (PyCFunction)(void (*)(void))hold_acquire,
	  METH_VARARGS | METH_KEYWORDS, NULL },
	{ "release", hold_release, METH_NOARGS, NULL },
	{ "locked", hold_locked, METH_NOARGS, NULL },
	{ "__enter__", hold_enter, METH_NOARGS, NULL },
	{ "__exit__", hold_exit, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyGetSetDef hold_getters[] = {
	{ "generation", hold_generation, NULL, NULL, NULL },
	{ "owner_died", hold_owner_died, NULL, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot hold_slots[] = {
	{ Py_tp_new, hold_new },
	{ Py_tp_dealloc, hold_free },
	{ Py_tp_methods, hold_methods },
	{ Py_tp_getset, hold_getters },
	{ Py_tp_doc, "A lock or a semaphore: Cache.lock(), Cache.semaphore()" },
	{ 0, NULL },
};

PyType_Spec core_hold_spec = {
	.name = "sfshm._core.Hold",
	.basicsize = sizeof(struct guard),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = hold_slots,
};

static struct guard *new_hold(PyObject *type, PyObject *segment, PyObject *name,
			      PyObject *timeout)
{
	PyTypeObject *made = (PyTypeObject *)type;
	struct guard *self;
	struct key key;

	if (core_key(name, &key) < 0)
		return NULL;
	self = (struct guard *)made->tp_alloc(made, 0);
	if (!self)
		return NULL;
	Py_INCREF(segment);
	self->segment = segment;
	Py_INCREF(name);
	self->name = name;
	if (core_ms(timeout, 0, &self->timeout_ms) < 0) {
		Py_DECREF(self);
		return NULL;
	}
	return self;
}

/* _lock(Hold, name, timeout, shared, rank) */
PyObject *core_lock(PyObject *segment, PyObject *args)
{
	PyObject *type, *name, *timeout;
	struct guard *self;
	unsigned int rank;
	int shared;

	if (!PyArg_ParseTuple(args, "OOOpI:_lock", &type, &name, &timeout,
			      &shared, &rank))
		return NULL;
	self = new_hold(type, segment, name, timeout);
	if (self) {
		self->flags = shared ? SFSHM_LOCK_SHARED : 0;
		self->rank = rank;
	}
	return (PyObject *)self;
}

/* _semaphore(Hold, name, permits, timeout, rank) */
PyObject *core_semaphore(PyObject *segment, PyObject *args)
{
	PyObject *type, *name, *timeout;
	unsigned int max, rank;
	struct guard *self;

	if (!PyArg_ParseTuple(args, "OOIOI:_semaphore", &type, &name, &max,
			      &timeout, &rank))
		return NULL;
	self = new_hold(type, segment, name, timeout);
	if (self) {
		self->is_semaphore = 1;
		self->max = max;
		self->rank = rank;
	}
	return (PyObject *)self;
}
