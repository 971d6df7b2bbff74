/* SPDX-License-Identifier: MIT */
/*
 * get_or_create() for event loops, in steps: no step but sleep() sleeps. The
 * loop's side of it is in package/sfshm/_async.py and _gevent.py.
 *
 * The flight is detached, and belongs to the task (a coroutine or greenlet)
 * that asks, so that many tasks of one thread may lead and wait.
 */
#include <string.h>
#include "core.h"

/* sfshm._core.Ask */
struct ask {
	PyObject_HEAD struct lead lead; /* lead.self is a reference */
	struct key key, claim;
	struct request request;
	PyObject *bytes; /* the objects that own the bytes of the request */
	struct polled polled;
	struct sfshm_cancel cancel; /* of sleep() */
	struct sfshm_result result;
	enum step step;
};

static struct ask *as_ask(PyObject *object)
{
	return (struct ask *)object;
}

/* Sets the next step by an outcome of begin or finish. Returns it as a number,
   or NULL with an exception. */
static PyObject *go_on(struct ask *self, int rc)
{
	if (rc == -EINPROGRESS)
		self->step = STEP_WAIT;
	else if (rc == -EOPNOTSUPP)
		self->step = STEP_SLEEP;
	else if (rc == SFSHM_LEADER)
		self->step = STEP_LEAD;
	else if (rc >= 0)
		self->step = STEP_RETURN;
	else if (!core_is_local(rc))
		return core_raise_result(rc, &self->result);
	else if (core_log_local(rc) < 0)
		return NULL;
	else
		self->step = STEP_ALONE;
	return PyLong_FromLong(self->step);
}

/* begin(queue, future): asks, and may begin a wait that the queue watches */
static PyObject *ask_begin(PyObject *object, PyObject *args)
{
	struct ask *self = as_ask(object);
	PyObject *queue, *future;
	int rc;

	if (!PyArg_ParseTuple(args, "OO:begin", &queue, &future))
		return NULL;
	if (self->request.timeout_ms)
		self->request.policy.deadline_ns =
			sfshm_deadline_ms(self->request.timeout_ms);
	self->polled.wait.data = &self->polled;
	rc = sfshm_begin_async(core_queue_of(queue), self->lead.self->handle,
			       self->key.data, self->key.len,
			       &self->request.policy, &self->lead.flight.host,
			       &self->result, &self->polled.wait);
	if (rc == -EINPROGRESS) {
		core_polled_began(&self->polled, queue);
		core_polled_set_future(&self->polled, future);
	}
	return go_on(self, rc);
}

/* finish(future): looks whether the wait is over */
static PyObject *ask_finish(PyObject *object, PyObject *future)
{
	struct ask *self = as_ask(object);
	int rc;

	core_polled_set_future(&self->polled, future);
	if (!self->polled.queue) {
		PyErr_SetString(PyExc_RuntimeError, "no wait goes on");
		return NULL;
	}
	rc = sfshm_wait_finish(core_queue_of(self->polled.queue),
			       &self->polled.wait, &self->lead.flight.host,
			       &self->result);
	if (rc != -EINPROGRESS)
		Py_CLEAR(self->polled.queue);
	return go_on(self, rc);
}

/* sleep(): begin() for a thread that may sleep */
static PyObject *ask_sleep(PyObject *object, PyObject *Py_UNUSED(none))
{
	struct ask *self = as_ask(object);
	int rc;

	self->request.policy.cancel = &self->cancel;
	rc = core_begin(&self->lead, &self->result);
	return rc == -EINTR ? NULL : go_on(self, rc);
}

/* wake(): ends sleep() in the other thread */
static PyObject *ask_wake(PyObject *object, PyObject *Py_UNUSED(none))
{
	sfshm_cancel_fire(&as_ask(object)->cancel);
	Py_RETURN_NONE;
}

/* take(): the value that another caller has made */
static PyObject *ask_take(PyObject *object, PyObject *Py_UNUSED(none))
{
	struct ask *self = as_ask(object);

	return core_decode(self->lead.self, self->result.value.data,
			   self->result.value.len);
}

/* unwrap(made): the value of what the work has made */
static PyObject *ask_unwrap(PyObject *Py_UNUSED(object), PyObject *made)
{
	int is_terms;

	return core_unwrap(made, &is_terms);
}

/* publish(made): ends the flight, and returns the value */
static PyObject *ask_publish(PyObject *object, PyObject *made)
{
	return core_store(&as_ask(object)->lead, made);
}

/* fail(exception): ends the flight. Returns a tuple with an old value that may
   serve, or raises the exception. */
static PyObject *ask_fail(PyObject *object, PyObject *exception)
{
	struct lead *lead = &as_ask(object)->lead;
	PyObject *old, *one;

	PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
	core_end_failed(lead);
	old = core_old_value(lead);
	if (!old)
		return NULL;
	one = PyTuple_Pack(1, old);
	Py_DECREF(old);
	return one;
}

static void end(struct ask *self)
{
	core_polled_cancel(&self->polled);
	core_drop(&self->lead);
}

/* close(): ends the wait, and gives back a flight that has not ended */
static PyObject *ask_close(PyObject *object, PyObject *Py_UNUSED(none))
{
	end(as_ask(object));
	Py_RETURN_NONE;
}

static int ask_traverse(PyObject *object, visitproc visit, void *arg)
{
	struct ask *self = as_ask(object);

	Py_VISIT(Py_TYPE(object));
	Py_VISIT(self->lead.self);
	Py_VISIT(self->bytes);
	Py_VISIT(self->polled.queue);
	Py_VISIT(self->polled.future);
	return 0;
}

static int ask_clear(PyObject *object)
{
	struct ask *self = as_ask(object);

	end(self);
	Py_CLEAR(self->lead.self);
	Py_CLEAR(self->bytes);
	return 0;
}

static void ask_free(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	ask_clear(object);
	sfshm_result_clear(&as_ask(object)->result);
	type->tp_free(object);
	Py_DECREF(type);
}

static PyObject *ask_new(PyTypeObject *Py_UNUSED(type),
			 PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named))
{
	PyErr_SetString(PyExc_TypeError, "call Cache.aget_or_create()");
	return NULL;
}

static PyMethodDef ask_methods[] = {
	{ "begin", ask_begin, METH_VARARGS, NULL },
	{ "finish", ask_finish, METH_O, NULL },
	{ "sleep", ask_sleep, METH_NOARGS, NULL },
	{ "wake", ask_wake, METH_NOARGS, NULL },
	{ "take", ask_take, METH_NOARGS, NULL },
	{ "unwrap", ask_unwrap, METH_O, NULL },
	{ "publish", ask_publish, METH_O, NULL },
	{ "fail", ask_fail, METH_O, NULL },
	{ "close", ask_close, METH_NOARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyObject *ask_step(PyObject *object, void *Py_UNUSED(closure))
{
	return PyLong_FromLong(as_ask(object)->step);
}

static PyGetSetDef ask_getters[] = {
	{ "step", ask_step, NULL, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot ask_slots[] = {
	{ Py_tp_new, ask_new },
	{ Py_tp_dealloc, ask_free },
	{ Py_tp_traverse, ask_traverse },
	{ Py_tp_clear, ask_clear },
	{ Py_tp_methods, ask_methods },
	{ Py_tp_getset, ask_getters },
	{ Py_tp_doc, "A get_or_create() in steps" },
	{ 0, NULL },
};

PyType_Spec core_ask_spec = {
	.name = "sfshm._core.Ask",
	.basicsize = sizeof(struct ask),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.slots = ask_slots,
};

static struct ask *new_ask(PyObject *type, struct segment *segment)
{
	PyTypeObject *made = (PyTypeObject *)type;
	struct ask *self = (struct ask *)made->tp_alloc(made, 0);

	if (!self)
		return NULL;
	Py_INCREF(segment);
	self->lead.self = segment;
	self->lead.key = &self->key;
	self->lead.request = &self->request;
	self->lead.flight = (struct sfshm_fleet_flight)SFSHM_FLEET_FLIGHT_INIT;
	self->request = segment->defaults;
	self->result = (struct sfshm_result)SFSHM_RESULT_INIT;
	return self;
}

/* Reads the arguments task, key, **options. */
static int read_request(struct ask *self, PyObject *const *args,
			PyObject *names)
{
	struct request *request = &self->request;
	unsigned long long task = PyLong_AsUnsignedLongLong(args[0]);

	if (PyErr_Occurred() || core_key(args[1], &self->key) < 0 ||
	    core_options(request, args + 2, names) < 0 ||
	    core_set_claim(request, &self->claim) < 0)
		return -1;
	request->policy.flags |= SFSHM_DETACHED;
	request->policy.task = task;
	self->bytes = PyTuple_Pack(3, args[1],
				   request->tags ? request->tags : Py_None,
				   request->claim ? request->claim : Py_None);
	return self->bytes ? 0 : -1;
}

static PyObject *with_step(struct ask *self, enum step step)
{
	self->step = step;
	Py_INCREF(self);
	return (PyObject *)self;
}

/* Looks once: returns the value of a hit; else the ask, which leads if nobody
   else does. */
static PyObject *look(struct ask *self)
{
	struct sfshm_policy *policy = &self->request.policy;
	uint32_t flags = policy->flags;
	struct lead *lead = &self->lead;
	PyObject *value;
	int rc;

	policy->flags |= SFSHM_TRY;
	rc = sfshm_begin(lead->self->handle, self->key.data, self->key.len,
			 policy, &lead->flight.host, &core_hit);
	policy->flags = flags;
	if (rc == SFSHM_LEADER)
		return with_step(self, STEP_LEAD);
	if (rc == -EBUSY && !(flags & SFSHM_TRY))
		return with_step(self, STEP_BEGIN);
	if (core_is_local(rc))
		return core_log_local(rc) < 0 ? NULL :
						with_step(self, STEP_ALONE);
	if (rc < 0)
		return core_raise_result(rc, &core_hit);
	value = core_decode_hit(lead->self);
	if (value || !lead->self->loads || flags & SFSHM_REFRESH ||
	    !PyErr_ExceptionMatches(PyExc_Exception))
		return value;
	/* Makes anew a value that cannot be loaded, as get_or_create() does. */
	PyErr_Clear();
	policy->flags |= SFSHM_REFRESH;
	return look(self);
}

/* _ask(Ask, task, key, **options): the value, or an Ask */
PyObject *core_ask(PyObject *object, PyObject *const *args, Py_ssize_t count,
		   PyObject *names)
{
	PyObject *found = NULL;
	struct ask *self;

	if (count != 3) {
		PyErr_SetString(PyExc_TypeError, "_ask(Ask, task, key, ...)");
		return NULL;
	}
	if (((struct segment *)object)->fleet) {
		PyErr_SetString(PyExc_NotImplementedError,
				"a fleet has no calls for event loops yet: let "
				"a thread call get_or_create() "
				"(asyncio.to_thread())");
		return NULL;
	}
	self = new_ask(args[0], (struct segment *)object);
	if (!self)
		return NULL;
	if (read_request(self, args + 1, names) == 0)
		found = look(self);
	Py_DECREF(self);
	return found;
}
