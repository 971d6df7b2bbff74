/* SPDX-License-Identifier: MIT */
/*
 * Python's objects as the bytes of a value.
 *
 * bytes are stored as they are, so that programs in other languages read and
 * write them. Anything else is stored as a mark of three bytes, a letter for
 * its kind, and then its own bytes. The mark is no text in UTF-8. bytes that
 * begin with the mark are stored with another mark and a letter before them.
 */
#include <string.h>
#include "core.h"

static const char mark[] = { '\xc1', 'S', 'F' };

#define MARK_LEN (sizeof(mark))
#define HEAD_LEN (MARK_LEN + 1) /* with the letter */

enum {
	KIND_BYTES = 'b',
	KIND_NONE = 'n',
	KIND_SERIALIZED = 'p',
	KIND_TEXT = 't',
};

/* The buffer for hits keeps no more than this. */
#define HIT_BUFFER_MAX 262144

struct sfshm_result core_hit = SFSHM_RESULT_INIT;

static PyObject *marked(char kind, const char *data, Py_ssize_t len)
{
	PyObject *bytes =
		PyBytes_FromStringAndSize(NULL, (Py_ssize_t)HEAD_LEN + len);
	char *to;

	if (!bytes)
		return NULL;
	to = PyBytes_AS_STRING(bytes);
	memcpy(to, mark, sizeof(mark));
	to[MARK_LEN] = kind;
	if (len > 0)
		memcpy(to + HEAD_LEN, data, (size_t)len);
	return bytes;
}

static int has_mark(const char *data, size_t len)
{
	return len >= MARK_LEN && memcmp(data, mark, MARK_LEN) == 0;
}

static PyObject *serialize(struct segment *self, PyObject *value)
{
	PyObject *bytes = NULL, *made;
	const char *data;
	Py_ssize_t len;

	if (!self->dumps) {
		PyErr_Format(PyExc_TypeError,
			     "cannot store %.100s without a serializer: give "
			     "the cache one, or store bytes, str or None",
			     Py_TYPE(value)->tp_name);
		return NULL;
	}
	made = PyObject_CallOneArg(self->dumps, value);
	if (!made)
		return NULL;
	if (PyBytes_Check(made)) {
		bytes = marked(KIND_SERIALIZED, PyBytes_AS_STRING(made),
			       PyBytes_GET_SIZE(made));
	} else if (PyUnicode_Check(made)) {
		data = PyUnicode_AsUTF8AndSize(made, &len);
		if (data)
			bytes = marked(KIND_SERIALIZED, data, len);
	} else {
		PyErr_SetString(PyExc_TypeError,
				"the serializer's dumps() must return bytes "
				"or str");
	}
	Py_DECREF(made);
	return bytes;
}

/* Returns a bytes object with what the segment is to store. */
PyObject *core_encode(struct segment *self, PyObject *value)
{
	const char *data;
	Py_ssize_t len;

	if (PyBytes_CheckExact(value)) {
		data = PyBytes_AS_STRING(value);
		len = PyBytes_GET_SIZE(value);
		if (has_mark(data, (size_t)len))
			return marked(KIND_BYTES, data, len);
		Py_INCREF(value);
		return value;
	}
	if (value == Py_None)
		return marked(KIND_NONE, NULL, 0);
	if (PyUnicode_CheckExact(value)) {
		data = PyUnicode_AsUTF8AndSize(value, &len);
		if (data)
			return marked(KIND_TEXT, data, len);
		/* A lone surrogate, which UTF-8 does not have. */
		PyErr_Clear();
	}
	return serialize(self, value);
}

static PyObject *deserialize(struct segment *self, const char *data, size_t len)
{
	PyObject *bytes, *value;

	if (!self->loads) {
		PyErr_SetString(PyExc_TypeError,
				"the value was stored by a cache with a "
				"serializer, and this one has none");
		return NULL;
	}
	/* The function may run any code, so it gets bytes of its own. */
	bytes = PyBytes_FromStringAndSize(data, (Py_ssize_t)len);
	if (!bytes)
		return NULL;
	value = PyObject_CallOneArg(self->loads, bytes);
	Py_DECREF(bytes);
	return value;
}

PyObject *core_decode(struct segment *self, const void *stored, size_t size)
{
	const char *data = stored;
	size_t len;

	if (!has_mark(data, size) || size == MARK_LEN)
		return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
	len = size - HEAD_LEN;
	switch (data[MARK_LEN]) {
	case KIND_NONE: Py_RETURN_NONE;
	case KIND_BYTES:
		return PyBytes_FromStringAndSize(data + HEAD_LEN,
						 (Py_ssize_t)len);
	case KIND_TEXT:
		return PyUnicode_DecodeUTF8(data + HEAD_LEN, (Py_ssize_t)len,
					    NULL);
	case KIND_SERIALIZED: return deserialize(self, data + HEAD_LEN, len);
	default:
		/* Another program's bytes, which happen to look like this. */
		return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
	}
}

/* The value in core_hit, which is free for other threads afterwards. */
PyObject *core_decode_hit(struct segment *self)
{
	PyObject *value =
		core_decode(self, core_hit.value.data, core_hit.value.len);

	if (core_hit.value.cap > HIT_BUFFER_MAX)
		sfshm_result_clear(&core_hit);
	return value;
}
