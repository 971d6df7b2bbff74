/* SPDX-License-Identifier: MIT */
/* Codes of the library as exceptions, and exceptions as codes. */
#include <string.h>
#include "core.h"

/* Returns a new reference to the object `name` of the package's module. */
PyObject *core_python(const char *module, const char *name)
{
	PyObject *found, *imported = PyImport_ImportModule(module);

	if (!imported)
		return NULL;
	found = PyObject_GetAttrString(imported, name);
	Py_DECREF(imported);
	return found;
}

/* Raises the exception that sfshm._errors.make() returns. */
static PyObject *raise_made(int rc, int code, const char *message)
{
	PyObject *exception = NULL, *make = NULL, *text;

	/* Decodes first, because an import lets other threads reuse the
	   message's buffer. A program in another language may have cut a
	   character in two. */
	text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message),
				    "replace");
	if (text)
		make = core_python("sfshm._errors", "make");
	if (make)
		exception = PyObject_CallFunction(make, "iiO", rc, code, text);
	Py_XDECREF(make);
	Py_XDECREF(text);
	if (!exception)
		return NULL;
	PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
	Py_DECREF(exception);
	return NULL;
}

PyObject *core_raise(int rc, const char *why)
{
	return raise_made(rc, rc, why && *why ? why : sfshm_strerror(rc));
}

PyObject *core_raise_unusable(int code, const char *why)
{
	return raise_made(-EPROTO, code, why);
}

/* Raises the failure of the work, if that is the outcome. */
PyObject *core_raise_result(int rc, const struct sfshm_result *result)
{
	if (rc != -EREMOTEIO && rc != -ENOENT)
		return core_raise(rc, NULL);
	return raise_made(rc, result->code, result->message);
}

/* Tells the operator that the work runs without the segment. */
int core_log_local(int rc)
{
	PyObject *done, *tell = core_python("sfshm._errors", "tell_local");

	if (!tell)
		return -1;
	done = PyObject_CallFunction(tell, "is", rc, sfshm_strerror(rc));
	Py_DECREF(tell);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

/* Tells the operator why the work runs without the fleet. */
int core_log_away(const char *why)
{
	PyObject *text =
		PyUnicode_DecodeUTF8(why, (Py_ssize_t)strlen(why), "replace");
	PyObject *done = NULL, *tell = NULL;

	if (text)
		tell = core_python("sfshm._errors", "tell_away");
	if (tell)
		done = PyObject_CallOneArg(tell, text);
	Py_XDECREF(text);
	Py_XDECREF(tell);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

/* Tells the operator that the work has failed, and an old value serves. */
int core_log_stale(PyObject *exception)
{
	PyObject *done, *tell = core_python("sfshm._errors", "tell_stale");

	if (!tell)
		return -1;
	done = PyObject_CallOneArg(tell, exception ? exception : Py_None);
	Py_DECREF(tell);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

/*
 * Returns the code of a failure that the followers are to share, and writes its
 * message. 0: the exception concerns this caller alone.
 */
int core_failure(PyObject *exception, char *message, size_t size)
{
	PyObject *pair, *describe = core_python("sfshm._errors", "describe");
	const char *text;
	int code = 0;

	if (!describe)
		goto none;
	pair = PyObject_CallOneArg(describe, exception);
	Py_DECREF(describe);
	if (!pair)
		goto none;
	if (PyArg_ParseTuple(pair, "iy", &code, &text))
		PyOS_snprintf(message, size, "%s", text);
	Py_DECREF(pair);
none:
	PyErr_Clear();
	return code;
}
