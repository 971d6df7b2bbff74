/* SPDX-License-Identifier: MIT */
/* The type sfshm._core.Queue: the waits of one event loop. */
#include "core.h"

struct queue {
	PyObject_HEAD struct sfshm_queue *queue;
};

static int queue_init(PyObject *object, PyObject *args, PyObject *named)
{
	struct queue *self = (struct queue *)object;
	int rc;

	if (PyTuple_GET_SIZE(args) || (named && PyDict_GET_SIZE(named))) {
		PyErr_SetString(PyExc_TypeError, "Queue()");
		return -1;
	}
	if (self->queue)
		return 0;
	rc = sfshm_queue_open(&self->queue);
	if (rc < 0)
		core_raise(rc, NULL);
	return rc < 0 ? -1 : 0;
}

static void queue_free(PyObject *object)
{
	struct queue *self = (struct queue *)object;
	PyTypeObject *type = Py_TYPE(object);

	if (self->queue)
		sfshm_queue_close(self->queue);
	type->tp_free(object);
	Py_DECREF(type);
}

struct sfshm_queue *core_queue_of(PyObject *object)
{
	struct queue *self = (struct queue *)object;

	return Py_TYPE(object)->tp_dealloc == queue_free ? self->queue : NULL;
}

void core_polled_began(struct polled *polled, PyObject *queue)
{
	Py_INCREF(queue);
	Py_XSETREF(polled->queue, queue);
}

void core_polled_set_future(struct polled *polled, PyObject *future)
{
	Py_INCREF(future);
	Py_XSETREF(polled->future, future);
}

void core_polled_cancel(struct polled *polled)
{
	if (polled->queue)
		(void)sfshm_wait_cancel(core_queue_of(polled->queue),
					&polled->wait);
	Py_CLEAR(polled->queue);
	Py_CLEAR(polled->future);
}

/* fileno(): readable while ready() has something */
static PyObject *queue_fileno(PyObject *object, PyObject *Py_UNUSED(none))
{
	int fd = sfshm_queue_fd(core_queue_of(object));

	return fd < 0 ? core_raise(fd, NULL) : PyLong_FromLong(fd);
}

/* Appends the futures of what is ready. Returns 0, or -1 with an exception. */
static int take_ready(struct sfshm_queue *queue, PyObject *futures)
{
	struct sfshm_wait wait;
	int rc;

	while ((rc = sfshm_queue_next(queue, &wait)) == 1) {
		if (PyList_Append(futures,
				  ((struct polled *)wait.data)->future) < 0)
			return -1;
	}
	if (rc < 0)
		core_raise(rc, NULL);
	return rc;
}

/* ready(): the futures of the waits that may be over */
static PyObject *queue_ready(PyObject *object, PyObject *Py_UNUSED(none))
{
	PyObject *futures = PyList_New(0);

	if (futures && take_ready(core_queue_of(object), futures) < 0)
		Py_CLEAR(futures);
	return futures;
}

static PyMethodDef queue_methods[] = {
	{ "fileno", queue_fileno, METH_NOARGS, NULL },
	{ "ready", queue_ready, METH_NOARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyType_Slot queue_slots[] = {
	{ Py_tp_init, queue_init },
	{ Py_tp_dealloc, queue_free },
	{ Py_tp_methods, queue_methods },
	{ Py_tp_doc, "The waits of one event loop" },
	{ 0, NULL },
};

PyType_Spec core_queue_spec = {
	.name = "sfshm._core.Queue",
	.basicsize = sizeof(struct queue),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = queue_slots,
};
