/* SPDX-License-Identifier: MIT */
/*
 * Takes locks and permits: for a thread, which may sleep, and in steps for the
 * task of an event loop, which gives way while it waits. The loop's side of it
 * is in package/sfshm/_async.py and _gevent.py.
 *
 * A lock or permit that a task takes is detached, so that any thread may give
 * it back, and has the task's number, so that a task does not wait for itself.
 * Only a shared hold is not, because the library detaches no shared holds: it
 * belongs to the task's thread, and the thread's other tasks wait for it. Ranks
 * belong to a thread, too, and the thread's tasks would break each other's
 * order, so a task has no ranked holds.
 *
 * In the loop's thread, only finish(), or a call that does not wait, takes
 * anything. So a task that is cancelled before it runs again holds nothing. If
 * sleep() takes something in another thread, and the task was cancelled
 * meanwhile, the loop's side gives it back.
 */
#include "core.h"

/* Python looks for signals after each slice of the main thread's waits. */
#define SLICE_MS 50

static struct take *as_take(PyObject *object)
{
	return (struct take *)object;
}

static uint64_t number_of(const struct take *self)
{
	return self->owner && self->owner != Py_None ?
		       (uint64_t)(uintptr_t)self->owner :
		       0;
}

static int is_detached(const struct take *self)
{
	return self->owner && !self->terms.is_shared;
}

static struct sfshm_lock_options lock_options(struct take *self)
{
	struct sfshm_lock_options options = SFSHM_LOCK_OPTIONS_INIT;

	options.rank = self->terms.rank;
	if (self->terms.is_shared)
		options.flags = SFSHM_LOCK_SHARED;
	else if (is_detached(self))
		options.flags = SFSHM_LOCK_DETACHED;
	options.task = number_of(self);
	options.deadline_ns = self->deadline;
	return options;
}

static struct sfshm_semaphore_options permit_options(struct take *self)
{
	struct sfshm_semaphore_options options = SFSHM_SEMAPHORE_OPTIONS_INIT;

	options.max = self->terms.max;
	options.rank = self->terms.rank;
	if (is_detached(self))
		options.flags = SFSHM_SEMAPHORE_DETACHED;
	options.task = number_of(self);
	options.deadline_ns = self->deadline;
	return options;
}

static int note(struct take *self, int rc)
{
	if (rc >= 0)
		self->step = STEP_HELD;
	self->owner_died = rc == SFSHM_OWNER_DIED;
	return rc;
}

/* Returns -EBUSY if the caller would have to wait. */
int core_take_try(struct take *self)
{
	struct sfshm *handle = self->terms.segment->handle;
	struct sfshm_semaphore_options permit = permit_options(self);
	struct sfshm_lock_options lock = lock_options(self);

	permit.flags |= SFSHM_SEMAPHORE_TRY;
	lock.flags |= SFSHM_LOCK_TRY;
	/* Perhaps another task of this thread holds the lock. */
	if (self->owner && !is_detached(self))
		lock.flags |= SFSHM_LOCK_OWN_IS_BUSY;
	return note(self,
		    self->terms.is_semaphore ?
			    sfshm_acquire(handle, self->key.data, self->key.len,
					  &permit, &self->permit) :
			    sfshm_lock(handle, self->key.data, self->key.len,
				       &lock, &self->lock));
}

/* Sleeps until `deadline` (0: none), without the GIL. */
static int sleep_until(struct take *self, uint64_t deadline)
{
	struct sfshm *handle = self->terms.segment->handle;
	struct sfshm_semaphore_options permit = permit_options(self);
	struct sfshm_lock_options lock = lock_options(self);
	int rc;

	permit.deadline_ns = lock.deadline_ns = deadline;
	if (self->owner)
		permit.cancel = lock.cancel = &self->cancel;
	Py_BEGIN_ALLOW_THREADS;
	if (self->terms.is_semaphore)
		rc = sfshm_acquire(handle, self->key.data, self->key.len,
				   &permit, &self->permit);
	else
		rc = sfshm_lock(handle, self->key.data, self->key.len, &lock,
				&self->lock);
	Py_END_ALLOW_THREADS;
	return rc;
}

/*
 * Waits in a thread that may sleep. A lock or permit that becomes free between
 * two slices is not missed: the next slice takes it at once.
 */
int core_take_asleep(struct take *self)
{
	uint64_t slice;
	int rc;

	if (!core_is_main())
		return note(self, sleep_until(self, self->deadline));
	for (;;) {
		slice = sfshm_deadline_ms(SLICE_MS);
		if (self->deadline && self->deadline < slice)
			slice = self->deadline;
		rc = sleep_until(self, slice);
		if (rc != -ETIMEDOUT || slice == self->deadline)
			return note(self, rc);
		if (PyErr_CheckSignals() < 0)
			return -EINTR;
	}
}

/* Gives back the lock or permit. */
int core_take_give_back(struct take *self)
{
	int rc;

	if (self->step != STEP_HELD)
		return -EPERM;
	rc = self->terms.is_semaphore ? sfshm_permit_release(&self->permit) :
					sfshm_unlock(&self->lock);
	/* These errors leave the lock or permit held: another thread holds it,
	   or there was no room to give it back. */
	if (rc != -EPERM && rc != -EUSERS && rc != -ENOSPC && rc != -ENOMEM)
		self->step = STEP_RETURN;
	return rc;
}

/* Sets the next step by an outcome. Returns it as a number, or NULL with an
   exception. */
static PyObject *go_on(struct take *self, int rc)
{
	/* The lock or permit is to belong to this thread, so no other thread
	   can wait for it: this one sleeps. */
	if (rc == -EOPNOTSUPP && !is_detached(self))
		rc = core_take_asleep(self);
	note(self, rc);
	if (rc == -EINPROGRESS) {
		self->step = STEP_WAIT;
	} else if (rc == -EOPNOTSUPP) {
		self->step = STEP_SLEEP;
	} else if (rc < 0) {
		return rc == -EINTR ? NULL : core_raise(rc, NULL);
	}
	return PyLong_FromLong(self->step);
}

/* begin(queue, future): takes, or begins a wait that the queue watches */
static PyObject *take_begin(PyObject *object, PyObject *args)
{
	struct take *self = as_take(object);
	struct sfshm *handle = self->terms.segment->handle;
	struct sfshm_semaphore_options permit = permit_options(self);
	struct sfshm_lock_options lock = lock_options(self);
	struct polled *polled = &self->polled;
	PyObject *queue, *future;
	int rc;

	if (!PyArg_ParseTuple(args, "OO:begin", &queue, &future))
		return NULL;
	if (self->step != STEP_BEGIN || polled->queue) {
		PyErr_SetString(PyExc_RuntimeError, "begun already");
		return NULL;
	}
	polled->wait.data = polled;
	rc = self->terms.is_semaphore ?
		     sfshm_acquire_async(core_queue_of(queue), handle,
					 self->key.data, self->key.len, &permit,
					 &self->permit, &polled->wait) :
		     sfshm_lock_async(core_queue_of(queue), handle,
				      self->key.data, self->key.len, &lock,
				      &self->lock, &polled->wait);
	if (rc == -EINPROGRESS) {
		core_polled_began(polled, queue);
		core_polled_set_future(polled, future);
	}
	return go_on(self, rc);
}

/* finish(future): looks whether the wait is over */
static PyObject *take_finish(PyObject *object, PyObject *future)
{
	struct take *self = as_take(object);
	struct polled *polled = &self->polled;
	struct sfshm_queue *queue;
	int rc;

	if (!polled->queue) {
		PyErr_SetString(PyExc_RuntimeError, "no wait goes on");
		return NULL;
	}
	core_polled_set_future(polled, future);
	queue = core_queue_of(polled->queue);
	rc = self->terms.is_semaphore ?
		     sfshm_wait_finish_permit(queue, &polled->wait,
					      &self->permit) :
		     sfshm_wait_finish_lock(queue, &polled->wait, &self->lock);
	if (rc != -EINPROGRESS)
		Py_CLEAR(polled->queue);
	return go_on(self, rc);
}

/* sleep(): begin() for a thread that may sleep */
static PyObject *take_sleep(PyObject *object, PyObject *Py_UNUSED(none))
{
	struct take *self = as_take(object);

	return go_on(self, core_take_asleep(self));
}

/* wake(): ends sleep() in the other thread */
static PyObject *take_wake(PyObject *object, PyObject *Py_UNUSED(none))
{
	sfshm_cancel_fire(&as_take(object)->cancel);
	Py_RETURN_NONE;
}

/* release(): gives back the lock or permit */
static PyObject *take_release(PyObject *object, PyObject *Py_UNUSED(none))
{
	int rc = core_take_give_back(as_take(object));

	/* -ECHILD: the child of a fork has a copy of what its parent holds. */
	if (rc < 0 && rc != -ECHILD && rc != -ESHUTDOWN)
		return core_raise(rc, NULL);
	Py_RETURN_NONE;
}

static void end(struct take *self)
{
	core_polled_cancel(&self->polled);
	(void)core_take_give_back(self);
}

/* close(): ends the wait, or gives back what is held */
static PyObject *take_close(PyObject *object, PyObject *Py_UNUSED(none))
{
	end(as_take(object));
	Py_RETURN_NONE;
}

static int take_traverse(PyObject *object, visitproc visit, void *arg)
{
	struct take *self = as_take(object);

	Py_VISIT(Py_TYPE(object));
	Py_VISIT(self->terms.segment);
	Py_VISIT(self->terms.name);
	Py_VISIT(self->owner);
	Py_VISIT(self->polled.queue);
	Py_VISIT(self->polled.future);
	return 0;
}

static int take_clear(PyObject *object)
{
	struct take *self = as_take(object);

	end(self);
	Py_CLEAR(self->owner);
	return 0;
}

static void take_free(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);
	struct take *self = as_take(object);

	PyObject_GC_UnTrack(object);
	take_clear(object);
	Py_XDECREF(self->terms.segment);
	Py_XDECREF(self->terms.name);
	type->tp_free(object);
	Py_DECREF(type);
}

static PyObject *take_new(PyTypeObject *Py_UNUSED(type),
			  PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named))
{
	PyErr_SetString(PyExc_TypeError, "call Cache.alock()");
	return NULL;
}

static PyMethodDef take_methods[] = {
	{ "begin", take_begin, METH_VARARGS, NULL },
	{ "finish", take_finish, METH_O, NULL },
	{ "sleep", take_sleep, METH_NOARGS, NULL },
	{ "wake", take_wake, METH_NOARGS, NULL },
	{ "release", take_release, METH_NOARGS, NULL },
	{ "close", take_close, METH_NOARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyObject *take_step(PyObject *object, void *Py_UNUSED(closure))
{
	return PyLong_FromLong(as_take(object)->step);
}

static PyObject *take_generation(PyObject *object, void *Py_UNUSED(closure))
{
	return PyLong_FromUnsignedLongLong(
		sfshm_lock_generation(&as_take(object)->lock));
}

static PyObject *take_owner_died(PyObject *object, void *Py_UNUSED(closure))
{
	return PyBool_FromLong(as_take(object)->owner_died);
}

static PyGetSetDef take_getters[] = {
	{ "step", take_step, NULL, NULL, NULL },
	{ "generation", take_generation, NULL, NULL, NULL },
	{ "owner_died", take_owner_died, NULL, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot take_slots[] = {
	{ Py_tp_new, take_new },
	{ Py_tp_dealloc, take_free },
	{ Py_tp_traverse, take_traverse },
	{ Py_tp_clear, take_clear },
	{ Py_tp_methods, take_methods },
	{ Py_tp_getset, take_getters },
	{ Py_tp_doc, "The taking of a lock or a permit" },
	{ 0, NULL },
};

PyType_Spec core_take_spec = {
	.name = "sfshm._core.Take",
	.basicsize = sizeof(struct take),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.slots = take_slots,
};

struct take *core_take_new(PyObject *type, const struct terms *terms,
			   PyObject *owner)
{
	PyTypeObject *made = (PyTypeObject *)type;
	struct take *self;

	if (owner && terms->rank) {
		core_raise(
			-EINVAL,
			"ranks order the locks of threads, not of greenlets: "
			"leave out rank=");
		return NULL;
	}
	self = (struct take *)made->tp_alloc(made, 0);
	if (!self)
		return NULL;
	self->terms = *terms;
	Py_INCREF(terms->segment);
	Py_INCREF(terms->name);
	Py_XINCREF(owner);
	self->owner = owner;
	self->thread = pthread_self();
	if (core_key(terms->name, &self->key) < 0) {
		Py_DECREF(self);
		return NULL;
	}
	return self;
}
