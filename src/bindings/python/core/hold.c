/* SPDX-License-Identifier: MIT */
/*
 * Locks and semaphores, as objects like threading.Lock: several threads may
 * share one object, and each releases what it has taken. In a program whose
 * threads gevent has replaced, the same is true of greenlets.
 */
#include "core.h"
#include <structmember.h>

struct guard {
	PyObject_HEAD struct terms terms;
	PyObject *take_type;
	struct take *first;  /* what is held, the latest first */
	uint32_t timeout_ms; /* of `with`; 0: no limit */
	int owner_died;      /* the lock's last holder has died */
};

static struct guard *as_guard(PyObject *object)
{
	return (struct guard *)object;
}

/* Finds the greenlet that runs; NULL: the thread waits as usual. Returns 0, or
   -1 with an exception. */
static int find_greenlet(PyObject **greenlet)
{
	PyObject *current;

	*greenlet = NULL;
	if (!core_has_gevent())
		return 0;
	current = core_python("sfshm._gevent", "current");
	if (!current)
		return -1;
	*greenlet = PyObject_CallNoArgs(current);
	Py_DECREF(current);
	if (*greenlet == Py_None)
		Py_CLEAR(*greenlet);
	return PyErr_Occurred() ? -1 : 0;
}

/* Waits, and gives way to other greenlets. */
static int give_way(struct take *take)
{
	PyObject *held, *hold = core_python("sfshm._gevent", "hold");
	int rc;

	if (!hold)
		return -EINTR;
	held = PyObject_CallOneArg(hold, (PyObject *)take);
	Py_DECREF(hold);
	if (!held)
		return -EINTR;
	rc = take->owner_died ? SFSHM_OWNER_DIED : 0;
	if (held != Py_True)
		rc = -ETIMEDOUT;
	Py_DECREF(held);
	return rc;
}

static void push(struct guard *self, struct take *take)
{
	take->next = self->first;
	self->first = take;
	self->owner_died = take->owner_died;
}

static struct take *pop(struct take **at)
{
	struct take *take = *at;

	*at = take->next;
	take->next = NULL;
	return take;
}

/* Returns 0 or 1 (the last holder has died), or an error; after -EINTR there is
   an exception. */
static int take_as(struct guard *self, PyObject *owner, int wait,
		   uint32_t timeout_ms)
{
	struct take *take = core_take_new(self->take_type, &self->terms, owner);
	int rc;

	if (!take)
		return -EINTR;
	rc = core_take_try(take);
	if (rc == -EBUSY && wait) {
		if (timeout_ms)
			take->deadline = sfshm_deadline_ms(timeout_ms);
		rc = owner ? give_way(take) : core_take_asleep(take);
	}
	if (rc < 0)
		Py_DECREF(take);
	else
		push(self, take);
	return rc;
}

static int take(struct guard *self, int wait, uint32_t timeout_ms)
{
	PyObject *owner;
	int rc;

	if (find_greenlet(&owner) < 0)
		return -EINTR;
	rc = take_as(self, owner, wait, timeout_ms);
	Py_XDECREF(owner);
	return rc;
}

/* Finds the lock or permit that this thread, or this greenlet, took last and
   still holds; or NULL, and then there may be an exception. */
static struct take **mine(struct guard *self)
{
	struct take **at = &self->first;
	PyObject *owner;

	if (find_greenlet(&owner) < 0)
		return NULL;
	while (*at &&
	       ((*at)->owner ? (*at)->owner != owner :
			       !pthread_equal((*at)->thread, pthread_self())))
		at = &(*at)->next;
	Py_XDECREF(owner);
	return *at ? at : NULL;
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

/* Reads what acquire() is given: *blocking is 0 for a call that must not wait;
   0 ms: no limit. Returns 0, or -1 with an exception. */
static int read_timeout(PyObject *timeout, int *blocking, uint32_t *ms)
{
	*ms = 0;
	if (!timeout || is_no_limit(timeout))
		return 0;
	if (core_ms(timeout, 0, ms) < 0)
		return -1;
	if (*ms == 0 && timeout != Py_None)
		*blocking = 0;
	return 0;
}

/* acquire(blocking=True, timeout=-1): whether it is held now */
static PyObject *hold_acquire(PyObject *object, PyObject *args, PyObject *named)
{
	static char *names[] = { "blocking", "timeout", NULL };
	PyObject *timeout = NULL;
	int rc, blocking = 1;
	uint32_t ms;

	if (!PyArg_ParseTupleAndKeywords(args, named, "|pO:acquire", names,
					 &blocking, &timeout) ||
	    read_timeout(timeout, &blocking, &ms) < 0)
		return NULL;
	rc = take(as_guard(object), blocking, ms);
	if (rc == -EBUSY || rc == -ETIMEDOUT)
		Py_RETURN_FALSE;
	if (rc < 0)
		return rc == -EINTR ? NULL : core_raise(rc, NULL);
	Py_RETURN_TRUE;
}

/*
 * _take(owner), _take(owner, blocking, timeout): a Take for a task of an event
 * loop. The Take holds the lock or permit, or the task is to wait for it. None:
 * the task would have to wait, but must not.
 */
static PyObject *hold_take(PyObject *object, PyObject *args)
{
	struct guard *self = as_guard(object);
	uint32_t ms = self->timeout_ms;
	PyObject *owner, *timeout = NULL;
	struct take *take;
	int rc, blocking = 1;

	if (!PyArg_ParseTuple(args, "O|pO:_take", &owner, &blocking, &timeout))
		return NULL;
	if (timeout && read_timeout(timeout, &blocking, &ms) < 0)
		return NULL;
	take = core_take_new(self->take_type, &self->terms, owner);
	if (!take)
		return NULL;
	rc = core_take_try(take);
	if (ms)
		take->deadline = sfshm_deadline_ms(ms);
	if (rc >= 0 || (rc == -EBUSY && blocking))
		return (PyObject *)take;
	Py_DECREF(take);
	if (rc == -EBUSY)
		Py_RETURN_NONE;
	return core_raise(rc, NULL);
}

static PyObject *hold_release(PyObject *object, PyObject *Py_UNUSED(none))
{
	struct take **at = mine(as_guard(object));
	int rc;

	if (!at)
		return PyErr_Occurred() ?
			       NULL :
			       core_raise(
				       -EPERM,
				       "this thread does not hold the lock or "
				       "permit");
	rc = core_take_give_back(*at);
	/* A release that fails for want of room may be tried again. */
	if ((*at)->step != STEP_HELD)
		Py_DECREF(pop(at));
	/* -ECHILD: the child of a fork has a copy of what its parent holds. */
	if (rc < 0 && rc != -ECHILD && rc != -ESHUTDOWN)
		return core_raise(rc, NULL);
	Py_RETURN_NONE;
}

static PyObject *hold_enter(PyObject *object, PyObject *Py_UNUSED(none))
{
	struct guard *self = as_guard(object);
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
	int is_mine = mine(as_guard(object)) != NULL;

	return PyErr_Occurred() ? NULL : PyBool_FromLong(is_mine);
}

static PyObject *hold_generation(PyObject *object, void *Py_UNUSED(closure))
{
	struct take **at = mine(as_guard(object));

	if (PyErr_Occurred())
		return NULL;
	return PyLong_FromUnsignedLongLong(
		at ? sfshm_lock_generation(&(*at)->lock) : 0);
}

static PyObject *hold_owner_died(PyObject *object, void *Py_UNUSED(closure))
{
	return PyBool_FromLong(as_guard(object)->owner_died);
}

static int hold_traverse(PyObject *object, visitproc visit, void *arg)
{
	struct guard *self = as_guard(object);
	struct take *take;

	Py_VISIT(Py_TYPE(object));
	Py_VISIT(self->terms.segment);
	Py_VISIT(self->take_type);
	for (take = self->first; take; take = take->next)
		Py_VISIT(take);
	return 0;
}

/* Gives back what is held. The library gives back another thread's holds as
   that thread ends. */
static int hold_clear(PyObject *object)
{
	struct guard *self = as_guard(object);

	while (self->first)
		Py_DECREF(pop(&self->first));
	return 0;
}

static void hold_free(PyObject *object)
{
	struct guard *self = as_guard(object);
	PyTypeObject *type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	hold_clear(object);
	Py_XDECREF(self->terms.segment);
	Py_XDECREF(self->terms.name);
	Py_XDECREF(self->take_type);
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
	{ "_take", hold_take, METH_VARARGS, NULL },
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
	{ Py_tp_traverse, hold_traverse },
	{ Py_tp_clear, hold_clear },
	{ Py_tp_methods, hold_methods },
	{ Py_tp_getset, hold_getters },
	{ Py_tp_doc, "A lock or a semaphore: Cache.lock(), Cache.semaphore()" },
	{ 0, NULL },
};

PyType_Spec core_hold_spec = {
	.name = "sfshm._core.Hold",
	.basicsize = sizeof(struct guard),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.slots = hold_slots,
};

/* `terms` has borrowed references. */
static PyObject *new_hold(PyObject *type, PyObject *take_type,
			  const struct terms *terms, PyObject *timeout)
{
	PyTypeObject *made = (PyTypeObject *)type;
	struct guard *self;
	struct key key;

	if (core_key(terms->name, &key) < 0)
		return NULL;
	self = (struct guard *)made->tp_alloc(made, 0);
	if (!self)
		return NULL;
	self->terms = *terms;
	Py_INCREF(terms->segment);
	Py_INCREF(terms->name);
	Py_INCREF(take_type);
	self->take_type = take_type;
	if (core_ms(timeout, 0, &self->timeout_ms) < 0)
		Py_CLEAR(self);
	return (PyObject *)self;
}

/* _lock(Hold, Take, name, timeout, shared, rank) */
PyObject *core_lock(PyObject *segment, PyObject *args)
{
	struct terms terms = { .segment = (struct segment *)segment };
	PyObject *type, *take_type, *timeout;

	if (!PyArg_ParseTuple(args, "OOOOpI:_lock", &type, &take_type,
			      &terms.name, &timeout, &terms.is_shared,
			      &terms.rank))
		return NULL;
	return new_hold(type, take_type, &terms, timeout);
}

/* _semaphore(Hold, Take, name, permits, timeout, rank) */
PyObject *core_semaphore(PyObject *segment, PyObject *args)
{
	struct terms terms = { .segment = (struct segment *)segment,
			       .is_semaphore = 1 };
	PyObject *type, *take_type, *timeout;

	if (!PyArg_ParseTuple(args, "OOOIOI:_semaphore", &type, &take_type,
			      &terms.name, &terms.max, &timeout, &terms.rank))
		return NULL;
	return new_hold(type, take_type, &terms, timeout);
}
