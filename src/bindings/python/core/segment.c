/* SPDX-License-Identifier: MIT */
/* The type sfshm._core.Segment and the module. */
#include "core.h"
#include <structmember.h>

/*
 * Reads a number from the dict of options. Returns 1; 0, and sets *number to 0,
 * if it is missing or None; or -1 with an exception.
 */
static int number_of(PyObject *options, const char *name,
		     unsigned long long *number)
{
	PyObject *value = PyDict_GetItemString(options, name);

	*number = 0;
	if (!value || value == Py_None)
		return 0;
	*number = PyLong_AsUnsignedLongLong(value);
	return PyErr_Occurred() ? -1 : 1;
}

static int fill_options(PyObject *dict, struct sfshm_options *options)
{
	unsigned long long number;
	const struct {
		const char *name;
		uint32_t *field;
		uint32_t flag;
	} fields[] = {
		{ "slots", &options->slots, 0 },
		{ "participants", &options->participants, 0 },
		{ "max_value", &options->max_value, 0 },
		{ "mode", &options->mode, 0 },
		{ "owner", &options->owner, SFSHM_SET_OWNER },
		{ "group", &options->group, SFSHM_SET_GROUP },
	};
	size_t i;
	int rc;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		rc = number_of(dict, fields[i].name, &number);
		if (rc < 0)
			return -1;
		if (number > UINT32_MAX) {
			PyErr_Format(PyExc_ValueError, "%s is too large",
				     fields[i].name);
			return -1;
		}
		*fields[i].field = (uint32_t)number;
		if (rc > 0)
			options->flags |= fields[i].flag;
	}
	if (number_of(dict, "size", &number) < 0)
		return -1;
	options->bytes = number;
	rc = number_of(dict, "create", &number);
	if (number)
		options->flags |= SFSHM_CREATE;
	return rc < 0 ? -1 : 0;
}

/* Whether the caller asks for a segment of certain sizes, mode or owner. */
static int is_particular(const struct sfshm_options *options)
{
	return options->bytes || options->slots || options->max_value ||
	       options->participants || options->mode ||
	       options->flags & (SFSHM_SET_OWNER | SFSHM_SET_GROUP);
}

static void raise_closed(const char *name, const char *why)
{
	PyObject *text =
		PyUnicode_FromFormat("cannot open the segment \"%s\": %s",
				     name ? name : "default", why);

	if (text)
		core_raise(-EPROTO, PyUnicode_AsUTF8(text));
	Py_XDECREF(text);
}

static int open_segment(struct segment *self, PyObject *dict)
{
	struct sfshm_options options = { .size = sizeof(options) };
	const char *name = NULL;
	char why[512] = "";

	if (fill_options(dict, &options) < 0)
		return -1;
	if (self->name != Py_None) {
		name = PyUnicode_AsUTF8(self->name);
		if (!name)
			return -1;
	}
	options.why = why;
	options.why_size = sizeof(why);
	Py_BEGIN_ALLOW_THREADS;
	self->handle = sfshm_shared(name, &options);
	if (!self->handle && !is_particular(&options))
		self->handle = sfshm_shared(name, NULL);
	Py_END_ALLOW_THREADS;
	if (self->handle)
		return 0;
	raise_closed(name, why);
	return -1;
}

static int fill_defaults(struct request *defaults, PyObject *dict)
{
	PyObject *name, *value;
	Py_ssize_t at = 0;

	while (PyDict_Next(dict, &at, &name, &value)) {
		if (core_option(defaults, name, value) < 0)
			return -1;
	}
	/* Only a call has these: the request borrows them from it. */
	defaults->tags = NULL;
	defaults->claim = NULL;
	return 0;
}

/* Segment(name, options, defaults, dumps, loads, fleet, fleet_options) */
static int segment_init(PyObject *object, PyObject *args, PyObject *named)
{
	struct segment *self = (struct segment *)object;
	PyObject *name, *options, *defaults, *dumps, *loads, *url, *terms;
	struct request request = { .policy = SFSHM_POLICY_INIT };

	if (named && PyDict_GET_SIZE(named) > 0) {
		PyErr_SetString(PyExc_TypeError, "no named arguments here");
		return -1;
	}
	if (!PyArg_ParseTuple(args, "OO!O!OOOO!:Segment", &name, &PyDict_Type,
			      &options, &PyDict_Type, &defaults, &dumps, &loads,
			      &url, &PyDict_Type, &terms))
		return -1;
	if (self->handle) {
		PyErr_SetString(PyExc_TypeError, "the cache is open already");
		return -1;
	}
	if (fill_defaults(&request, defaults) < 0)
		return -1;
	self->defaults = request;
	Py_INCREF(name);
	Py_XSETREF(self->name, name);
	if (dumps != Py_None) {
		Py_INCREF(dumps);
		Py_XSETREF(self->dumps, dumps);
		Py_INCREF(loads);
		Py_XSETREF(self->loads, loads);
	}
	if (open_segment(self, options) < 0)
		return -1;
	return url == Py_None ? 0 : core_fleet_join(self, url, terms);
}

static int segment_traverse(PyObject *object, visitproc visit, void *arg)
{
	struct segment *self = (struct segment *)object;

	Py_VISIT(Py_TYPE(object));
	Py_VISIT(self->name);
	Py_VISIT(self->dumps);
	Py_VISIT(self->loads);
	return 0;
}

static int segment_clear(PyObject *object)
{
	struct segment *self = (struct segment *)object;

	Py_CLEAR(self->name);
	Py_CLEAR(self->dumps);
	Py_CLEAR(self->loads);
	return 0;
}

static void segment_free(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	segment_clear(object);
	core_fleet_leave((struct segment *)object);
	type->tp_free(object);
	Py_DECREF(type);
}

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef segment_methods[] = {
	{ "get", FAST(core_get), METH_FASTCALL, NULL },
	{ "get_or_create", FAST(core_get_or_create),
	  METH_FASTCALL | METH_KEYWORDS, NULL },
	{ "_ask", FAST(core_ask), METH_FASTCALL | METH_KEYWORDS, NULL },
	{ "set", FAST(core_set), METH_FASTCALL | METH_KEYWORDS, NULL },
	{ "peek", core_peek, METH_VARARGS, NULL },
	{ "touch", core_touch, METH_VARARGS, NULL },
	{ "_entry", core_entry, METH_O, NULL },
	{ "_has", core_contains, METH_O, NULL },
	{ "_set_if", core_set_if, METH_VARARGS, NULL },
	{ "_invalidate", core_invalidate, METH_VARARGS, NULL },
	{ "_invalidate_all", core_invalidate_all, METH_VARARGS, NULL },
	{ "invalidate_tag", core_invalidate_tag, METH_O, NULL },
	{ "_keys", core_next_keys, METH_O, NULL },
	{ "counters", core_counters, METH_NOARGS, NULL },
	{ "verify", core_verify, METH_NOARGS, NULL },
	{ "_lock", core_lock, METH_VARARGS, NULL },
	{ "_semaphore", core_semaphore, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyMemberDef segment_members[] = {
	{ "name", T_OBJECT, offsetof(struct segment, name), READONLY, NULL },
	{ NULL, 0, 0, 0, NULL },
};

static PyType_Slot segment_slots[] = {
	{ Py_tp_init, segment_init },
	{ Py_tp_dealloc, segment_free },
	{ Py_tp_traverse, segment_traverse },
	{ Py_tp_clear, segment_clear },
	{ Py_tp_methods, segment_methods },
	{ Py_tp_members, segment_members },
	{ Py_tp_doc, "The base class of sfshm.Cache." },
	{ 0, NULL },
};

PyType_Spec core_segment_spec = {
	.name = "sfshm._core.Segment",
	.basicsize = sizeof(struct segment),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	.slots = segment_slots,
};

static PyObject *module_unlink(PyObject *Py_UNUSED(module), PyObject *name)
{
	const char *text = NULL;
	int rc;

	if (name != Py_None) {
		text = PyUnicode_AsUTF8(name);
		if (!text)
			return NULL;
	}
	rc = sfshm_unlink(text);
	if (rc < 0 && rc != -ENOENT)
		return core_raise(rc, NULL);
	return PyBool_FromLong(rc == 0);
}

static PyObject *module_version(PyObject *Py_UNUSED(module),
				PyObject *Py_UNUSED(none))
{
	return PyUnicode_FromString(sfshm_version());
}

static PyMethodDef module_methods[] = {
	{ "unlink", module_unlink, METH_O, NULL },
	{ "version", module_version, METH_NOARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static int add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
	PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);

	if (!type)
		return -1;
	if (PyModule_AddObject(module, name, type) < 0) {
		Py_DECREF(type);
		return -1;
	}
	return 0;
}

/*
 * A library that is older than the headers of this build may lack what they
 * declare.
 */
static int check_library(void)
{
	char *end;
	unsigned long major = strtoul(sfshm_version(), &end, 10);
	unsigned long minor = *end ? strtoul(end + 1, NULL, 10) : 0;

	if (major == SFSHM_VERSION_MAJOR && minor >= SFSHM_VERSION_MINOR)
		return 0;
	PyErr_Format(
		PyExc_ImportError,
		"sfshm is built for libsfshm " SFSHM_VERSION
		", and the system has %s: install the former, or build the "
		"package anew",
		sfshm_version());
	return -1;
}

static int module_exec(PyObject *module)
{
	if (check_library() < 0)
		return -1;
	if (add_type(module, "Segment", &core_segment_spec) < 0 ||
	    add_type(module, "Hold", &core_hold_spec) < 0 ||
	    add_type(module, "Ask", &core_ask_spec) < 0 ||
	    add_type(module, "Take", &core_take_spec) < 0)
		return -1;
	return add_type(module, "Queue", &core_queue_spec);
}

static PyModuleDef_Slot module_slots[] = {
	{ Py_mod_exec, (void *)(uintptr_t)module_exec },
#if PY_VERSION_HEX >= 0x030C0000
	/* The interpreters share core_hit, so they must share the GIL. */
	{ Py_mod_multiple_interpreters,
	  Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED },
#endif
	{ 0, NULL },
};

static struct PyModuleDef module = {
	PyModuleDef_HEAD_INIT,
	.m_name = "sfshm._core",
	.m_doc = "The calls of libsfshm; use the package sfshm.",
	.m_methods = module_methods,
	.m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__core(void)
{
	return PyModuleDef_Init(&module);
}
