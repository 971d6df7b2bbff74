/* SPDX-License-Identifier: MIT */
/* Keys, times and options, from Python's types to the library's. */
#include <math.h>
#include <stddef.h>
#include <string.h>
#include "core.h"

/* Replaces a key that is too long by its hash. */
static int hash_key(struct key *key)
{
	PyObject *hashed, *hash = core_python("sfshm._keys", "hashed");
	char *text;
	Py_ssize_t len;

	if (!hash)
		return -1;
	hashed = PyObject_CallFunction(hash, "y#", key->data,
				       (Py_ssize_t)key->len);
	Py_DECREF(hash);
	if (!hashed)
		return -1;
	if (PyBytes_AsStringAndSize(hashed, &text, &len) < 0 ||
	    len > (Py_ssize_t)sizeof(key->hashed)) {
		Py_DECREF(hashed);
		return -1;
	}
	memcpy(key->hashed, text, (size_t)len);
	Py_DECREF(hashed);
	key->data = key->hashed;
	key->len = (size_t)len;
	return 0;
}

int core_key(PyObject *object, struct key *key)
{
	Py_ssize_t len;

	if (PyUnicode_Check(object)) {
		key->data = PyUnicode_AsUTF8AndSize(object, &len);
		if (!key->data)
			return -1;
	} else if (PyBytes_Check(object)) {
		key->data = PyBytes_AS_STRING(object);
		len = PyBytes_GET_SIZE(object);
	} else {
		PyErr_Format(PyExc_TypeError,
			     "a key is str or bytes, not %.100s",
			     Py_TYPE(object)->tp_name);
		return -1;
	}
	if (len == 0) {
		PyErr_SetString(PyExc_ValueError, "the key is empty");
		return -1;
	}
	key->len = (size_t)len;
	return key->len <= SFSHM_KEY_MAX ? 0 : hash_key(key);
}

/*
 * Seconds as milliseconds, rounded up; `none` for None. The longest finite time
 * is 49 days, and a longer one is cut to that.
 */
int core_ms(PyObject *seconds, uint32_t none, uint32_t *ms)
{
	double value;

	if (seconds == Py_None) {
		*ms = none;
		return 0;
	}
	value = PyFloat_AsDouble(seconds);
	if (value == -1.0 && PyErr_Occurred()) {
		if (PyErr_ExceptionMatches(PyExc_TypeError))
			PyErr_Format(PyExc_TypeError,
				     "a time is a number of seconds or None, "
				     "not %.100s",
				     Py_TYPE(seconds)->tp_name);
		return -1;
	}
	if (!(value >= 0)) {
		PyErr_SetString(PyExc_ValueError,
				"a time is a number of seconds >= 0, or None");
		return -1;
	}
	value = ceil(value * 1000);
	*ms = value < SFSHM_FOREVER - 1 ? (uint32_t)value : SFSHM_FOREVER - 1;
	return 0;
}

enum kind {
	LIFETIME, /* None: for ever */
	BOUND,    /* None: no limit */
	NUMBER,
	FLAG,
	OTHER,
};

static const struct option {
	const char *name;
	enum kind kind;
	size_t offset; /* in struct sfshm_policy; FLAG: the flag */
} options[] = {
	{ "ttl", LIFETIME, offsetof(struct sfshm_policy, ttl_ms) },
	{ "neg_ttl", LIFETIME, offsetof(struct sfshm_policy, neg_ttl_ms) },
	{ "grace", LIFETIME, offsetof(struct sfshm_policy, grace_ms) },
	{ "stale_if_error", LIFETIME,
	  offsetof(struct sfshm_policy, stale_if_error_ms) },
	{ "lease", BOUND, offsetof(struct sfshm_policy, lock_age_ms) },
	{ "max_waiters", NUMBER, offsetof(struct sfshm_policy, max_waiters) },
	{ "retry_on_failure", FLAG, SFSHM_RETRY_ON_FAILURE },
	{ "stale_on_timeout", FLAG, SFSHM_STALE_ON_TIMEOUT },
	{ "refresh", FLAG, SFSHM_REFRESH },
	{ "timeout", OTHER, 0 },
	{ "beta", OTHER, 0 },
	{ "breaker", OTHER, 0 },
	{ "tags", OTHER, 0 },
	{ "claim", OTHER, 0 },
};

/* A call with a timeout of 0 does not wait. */
static int set_timeout(struct request *request, PyObject *value)
{
	uint32_t ms;

	if (core_ms(value, 0, &ms) < 0)
		return -1;
	if (ms == 0 && value != Py_None)
		request->policy.flags |= SFSHM_TRY;
	else
		request->policy.flags &= ~(uint32_t)SFSHM_TRY;
	request->timeout_ms = ms;
	return 0;
}

static int set_beta(struct request *request, PyObject *value)
{
	request->policy.beta = PyFloat_AsDouble(value);
	return request->policy.beta == -1.0 && PyErr_Occurred() ? -1 : 0;
}

/* (deaths, seconds), or None. */
static int set_breaker(struct request *request, PyObject *value)
{
	PyObject *seconds;
	unsigned int deaths;

	request->policy.breaker_deaths = 0;
	request->policy.breaker_ms = 0;
	if (value == Py_None)
		return 0;
	if (!PyTuple_Check(value) ||
	    !PyArg_ParseTuple(value, "IO", &deaths, &seconds)) {
		PyErr_SetString(PyExc_TypeError,
				"breaker is (deaths, seconds) or None");
		return -1;
	}
	request->policy.breaker_deaths = deaths;
	return core_ms(seconds, SFSHM_FOREVER, &request->policy.breaker_ms);
}

static int set_other(struct request *request, const char *name, PyObject *value)
{
	if (strcmp(name, "timeout") == 0)
		return set_timeout(request, value);
	if (strcmp(name, "beta") == 0)
		return set_beta(request, value);
	if (strcmp(name, "breaker") == 0)
		return set_breaker(request, value);
	if (strcmp(name, "tags") == 0)
		request->tags = value == Py_None ? NULL : value;
	else
		request->claim = value == Py_None ? NULL : value;
	return 0;
}

static int set_option(struct request *request, const struct option *option,
		      PyObject *value)
{
	uint32_t *field;
	unsigned long number;
	int on;

	field = (uint32_t *)(void *)((char *)&request->policy + option->offset);
	switch (option->kind) {
	case LIFETIME: return core_ms(value, SFSHM_FOREVER, field);
	case BOUND: return core_ms(value, 0, field);
	case NUMBER:
		number = PyLong_AsUnsignedLong(value);
		if (PyErr_Occurred())
			return -1;
		*field = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
		return 0;
	case FLAG:
		on = PyObject_IsTrue(value);
		if (on < 0)
			return -1;
		request->policy.flags &= ~(uint32_t)option->offset;
		if (on)
			request->policy.flags |= (uint32_t)option->offset;
		return 0;
	case OTHER: break;
	}
	return set_other(request, option->name, value);
}

int core_option(struct request *request, PyObject *name, PyObject *value)
{
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (PyUnicode_CompareWithASCIIString(name, options[i].name) ==
		    0)
			return set_option(request, &options[i], value);
	}
	PyErr_Format(PyExc_TypeError, "unknown option '%U'", name);
	return -1;
}

/* Reads the named arguments of a METH_FASTCALL call. */
int core_options(struct request *request, PyObject *const *values,
		 PyObject *names)
{
	Py_ssize_t i, count = names ? PyTuple_GET_SIZE(names) : 0;

	for (i = 0; i < count; i++) {
		if (core_option(request, PyTuple_GET_ITEM(names, i),
				values[i]) < 0)
			return -1;
	}
	return 0;
}

/*
 * Fills in up to SFSHM_TAGS_MAX tags from `tags`, a tuple or a list, whose
 * objects own the bytes.
 */
int core_tags(PyObject *tags, struct iovec *tag, int *count)
{
	Py_ssize_t i, len;
	struct key key;

	*count = 0;
	if (!tags)
		return 0;
	if (!PyTuple_Check(tags) && !PyList_Check(tags)) {
		PyErr_SetString(PyExc_TypeError, "tags are a tuple or a list");
		return -1;
	}
	len = PySequence_Fast_GET_SIZE(tags);
	if (len > SFSHM_TAGS_MAX) {
		PyErr_Format(PyExc_ValueError,
			     "a value has at most %d tags, not %zd",
			     SFSHM_TAGS_MAX, len);
		return -1;
	}
	for (i = 0; i < len; i++) {
		if (core_key(PySequence_Fast_GET_ITEM(tags, i), &key) < 0)
			return -1;
		if (key.data == key.hashed) {
			PyErr_SetString(PyExc_ValueError,
					"the tag is too long");
			return -1;
		}
		tag[i].iov_base = (void *)(uintptr_t)key.data;
		tag[i].iov_len = key.len;
	}
	*count = (int)len;
	return 0;
}
