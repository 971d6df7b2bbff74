/* SPDX-License-Identifier: MIT */
/*
 * Methods of a segment that neither lead nor wait. Only the Python part of the
 * package calls those whose names begin with "_".
 */
#include "core.h"

static struct segment *as_segment(PyObject *object)
{
	return (struct segment *)object;
}

/* Whether there is no value. A failure that the segment keeps is no value. */
static int is_none(int rc)
{
	return rc == -ENODATA || rc == -ENOENT || rc == -EREMOTEIO;
}

/* get(key, default=None) */
PyObject *core_get(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	PyObject *other = Py_None;
	struct key key;
	int rc;

	if (count < 1 || count > 2) {
		PyErr_SetString(PyExc_TypeError, "get(key, default=None)");
		return NULL;
	}
	if (core_key(args[0], &key) < 0)
		return NULL;
	rc = sfshm_get(as_segment(self)->handle, key.data, key.len, &core_hit);
	if (rc >= 0)
		return core_decode_hit(as_segment(self));
	if (!is_none(rc))
		return core_raise(rc, NULL);
	if (count == 2)
		other = args[1];
	Py_INCREF(other);
	return other;
}

/* peek(key, default=None): the value, however old */
PyObject *core_peek(PyObject *self, PyObject *args)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	PyObject *name, *other = Py_None;
	struct key key;
	int rc;

	if (!PyArg_ParseTuple(args, "O|O:peek", &name, &other))
		return NULL;
	if (core_key(name, &key) < 0)
		return NULL;
	policy.flags = SFSHM_STALE_ON_TIMEOUT | SFSHM_RETRY_ON_FAILURE;
	rc = sfshm_peek(as_segment(self)->handle, key.data, key.len, &policy,
			&core_hit);
	if (rc >= 0)
		return core_decode_hit(as_segment(self));
	if (!is_none(rc))
		return core_raise(rc, NULL);
	Py_INCREF(other);
	return other;
}

/* _entry(key): (value, generation, age in seconds), or None */
PyObject *core_entry(PyObject *self, PyObject *name)
{
	unsigned long long generation;
	PyObject *value;
	struct key key;
	double age;
	int rc;

	if (core_key(name, &key) < 0)
		return NULL;
	rc = sfshm_get(as_segment(self)->handle, key.data, key.len, &core_hit);
	if (is_none(rc))
		Py_RETURN_NONE;
	if (rc < 0)
		return core_raise(rc, NULL);
	generation = core_hit.generation;
	age = (double)core_hit.age_ns / 1e9;
	value = core_decode_hit(as_segment(self));
	return value ? Py_BuildValue("NKd", value, generation, age) : NULL;
}

/* _has(key) */
PyObject *core_contains(PyObject *self, PyObject *name)
{
	struct key key;
	size_t len;
	int rc;

	if (core_key(name, &key) < 0)
		return NULL;
	rc = sfshm_get_into(as_segment(self)->handle, key.data, key.len, NULL,
			    0, &len);
	if (rc >= 0 || rc == -ERANGE)
		Py_RETURN_TRUE;
	if (is_none(rc))
		Py_RETURN_FALSE;
	return core_raise(rc, NULL);
}

/* Ignores -ESTALE (a later put or invalidation has overtaken this put) and
   -ESHUTDOWN (the segment was removed meanwhile). */
static PyObject *put_outcome(int rc)
{
	if (rc < 0 && rc != -ESTALE && rc != -ESHUTDOWN)
		return core_raise(rc, NULL);
	Py_RETURN_NONE;
}

static PyObject *put(struct segment *self, const struct key *key,
		     const struct request *request, PyObject *bytes)
{
	struct iovec tag[SFSHM_TAGS_MAX];
	int rc, tags;

	if (core_tags(request->tags, tag, &tags) < 0)
		return NULL;
	Py_BEGIN_ALLOW_THREADS;
	rc = sfshm_put_tagged(self->handle, key->data, key->len,
			      &request->policy, PyBytes_AS_STRING(bytes),
			      (size_t)PyBytes_GET_SIZE(bytes), tag, tags);
	Py_END_ALLOW_THREADS;
	return put_outcome(rc);
}

/* set(key, value, **options) */
PyObject *core_set(PyObject *self, PyObject *const *args, Py_ssize_t count,
		   PyObject *names)
{
	struct request request = as_segment(self)->defaults;
	PyObject *bytes = NULL, *tags = NULL, *done = NULL;
	struct key key;

	if (count != 2) {
		PyErr_SetString(PyExc_TypeError, "set(key, value, *, ttl=...)");
		return NULL;
	}
	if (core_key(args[0], &key) < 0 ||
	    core_options(&request, args + count, names) < 0)
		return NULL;
	/* Other threads may change a list while this one stores. */
	if (request.tags && PyList_Check(request.tags)) {
		tags = PyList_AsTuple(request.tags);
		if (!tags)
			return NULL;
		request.tags = tags;
	}
	bytes = core_encode(as_segment(self), args[1]);
	if (bytes)
		done = put(as_segment(self), &key, &request, bytes);
	Py_XDECREF(bytes);
	Py_XDECREF(tags);
	return done;
}

/* _set_if(key, value, generation, ttl): whether the key had that generation;
   raises Busy while a resize moves values */
PyObject *core_set_if(PyObject *self, PyObject *args)
{
	struct request request = as_segment(self)->defaults;
	unsigned long long generation;
	PyObject *name, *value, *ttl, *bytes;
	struct key key;
	int rc;

	if (!PyArg_ParseTuple(args, "OOKO:_set_if", &name, &value, &generation,
			      &ttl))
		return NULL;
	if (core_key(name, &key) < 0 ||
	    (ttl != Py_Ellipsis &&
	     core_ms(ttl, SFSHM_FOREVER, &request.policy.ttl_ms) < 0))
		return NULL;
	bytes = core_encode(as_segment(self), value);
	if (!bytes)
		return NULL;
	Py_BEGIN_ALLOW_THREADS;
	rc = sfshm_put_if(as_segment(self)->handle, key.data, key.len,
			  &request.policy, PyBytes_AS_STRING(bytes),
			  (size_t)PyBytes_GET_SIZE(bytes), generation);
	Py_END_ALLOW_THREADS;
	Py_DECREF(bytes);
	if (rc == -ESTALE)
		Py_RETURN_FALSE;
	if (rc < 0 && rc != -ESHUTDOWN)
		return core_raise(rc, NULL);
	Py_RETURN_TRUE;
}

/* _invalidate(key, hard): whether there was something */
PyObject *core_invalidate(PyObject *self, PyObject *args)
{
	struct key key;
	PyObject *name;
	int rc, hard;

	if (!PyArg_ParseTuple(args, "Op:_invalidate", &name, &hard))
		return NULL;
	if (core_key(name, &key) < 0)
		return NULL;
	if (as_segment(self)->fleet)
		rc = core_fleet_invalidate(as_segment(self), &key,
					   hard ? SFSHM_HARD : 0);
	else
		rc = sfshm_invalidate(as_segment(self)->handle, key.data,
				      key.len, hard ? SFSHM_HARD : 0);
	if (rc == -EINTR)
		return NULL;
	if (rc == -ENODATA)
		Py_RETURN_FALSE;
	if (rc < 0)
		return core_raise(rc, NULL);
	Py_RETURN_TRUE;
}

/* invalidate_tag(tag) */
PyObject *core_invalidate_tag(PyObject *self, PyObject *tag)
{
	struct iovec vec[SFSHM_TAGS_MAX];
	PyObject *one;
	int rc, count;

	one = PyTuple_Pack(1, tag);
	if (!one)
		return NULL;
	rc = core_tags(one, vec, &count);
	if (rc == 0)
		rc = sfshm_invalidate_tag(as_segment(self)->handle,
					  vec[0].iov_base, vec[0].iov_len);
	else
		rc = 1;
	Py_DECREF(one);
	if (rc > 0)
		return NULL;
	if (rc < 0)
		return core_raise(rc, NULL);
	Py_RETURN_NONE;
}

/* _invalidate_all(hard): how many keys */
PyObject *core_invalidate_all(PyObject *self, PyObject *args)
{
	int rc, hard;

	if (!PyArg_ParseTuple(args, "p:_invalidate_all", &hard))
		return NULL;
	Py_BEGIN_ALLOW_THREADS;
	rc = sfshm_invalidate_all(as_segment(self)->handle,
				  hard ? SFSHM_HARD : 0);
	Py_END_ALLOW_THREADS;
	return rc < 0 ? core_raise(rc, NULL) : PyLong_FromLong(rc);
}

static int append_key(PyObject *list, const struct sfshm_walk *walk)
{
	PyObject *key = PyBytes_FromStringAndSize((const char *)walk->key,
						  (Py_ssize_t)walk->key_len);
	int rc = key ? PyList_Append(list, key) : -1;

	Py_XDECREF(key);
	return rc;
}

/* _keys(prefix): a list of bytes */
PyObject *core_next_keys(PyObject *self, PyObject *prefix)
{
	struct sfshm_walk walk = SFSHM_WALK_INIT;
	struct key wanted = { .data = "" };
	PyObject *list;
	int rc;

	if ((!PyUnicode_Check(prefix) || PyUnicode_GET_LENGTH(prefix) > 0) &&
	    core_key(prefix, &wanted) < 0)
		return NULL;
	list = PyList_New(0);
	if (!list)
		return NULL;
	while ((rc = sfshm_next_key(as_segment(self)->handle, wanted.data,
				    wanted.len, &walk)) > 0) {
		if (append_key(list, &walk) < 0) {
			Py_DECREF(list);
			return NULL;
		}
	}
	if (rc == 0)
		return list;
	Py_DECREF(list);
	return core_raise(rc, NULL);
}

static int set_number(PyObject *dict, const char *name, uint64_t value)
{
	PyObject *number = PyLong_FromUnsignedLongLong(value);
	int rc = number ? PyDict_SetItemString(dict, name, number) : -1;

	Py_XDECREF(number);
	return rc;
}

/* counters(): their values by their names */
PyObject *core_counters(PyObject *self, PyObject *Py_UNUSED(none))
{
	PyObject *dict = PyDict_New();
	const char *name, *help;
	uint64_t value;
	uint32_t i = 0;
	int rc;

	if (!dict)
		return NULL;
	while ((rc = sfshm_counter(as_segment(self)->handle, i++, &name, &help,
				   &value)) == 0) {
		if (set_number(dict, name, value) < 0) {
			Py_DECREF(dict);
			return NULL;
		}
	}
	if (rc == -ERANGE)
		return dict;
	Py_DECREF(dict);
	return core_raise(rc, NULL);
}

/* verify(): how many breaches */
PyObject *core_verify(PyObject *self, PyObject *Py_UNUSED(none))
{
	int rc;

	Py_BEGIN_ALLOW_THREADS;
	rc = sfshm_verify(as_segment(self)->handle, NULL, NULL);
	Py_END_ALLOW_THREADS;
	return rc < 0 ? core_raise(rc, NULL) : PyLong_FromLong(rc);
}
