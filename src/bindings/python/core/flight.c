/* SPDX-License-Identifier: MIT */
/* get_or_create() and touch(): the calls that lead. */
#include <string.h>
#include "core.h"

static int fail(struct lead *lead, int code, const char *message)
{
	int rc;

	if (!lead->fleet)
		return sfshm_fail(&lead->flight.host, code, message);
	Py_BEGIN_ALLOW_THREADS;
	rc = sfshm_fleet_fail(&lead->flight, code, message);
	Py_END_ALLOW_THREADS;
	return rc;
}

void core_drop(struct lead *lead)
{
	if (!lead->fleet) {
		sfshm_flight_cleanup(&lead->flight.host);
		return;
	}
	Py_BEGIN_ALLOW_THREADS;
	sfshm_fleet_cleanup(&lead->flight);
	Py_END_ALLOW_THREADS;
}

/*
 * The work has raised an exception, which stays raised. The followers get its
 * message, unless the exception concerns this caller alone, like SystemExit.
 */
void core_end_failed(struct lead *lead)
{
	PyObject *type, *value, *trace;
	char message[2 * SFSHM_MESSAGE_MAX];
	int code;

	PyErr_Fetch(&type, &value, &trace);
	PyErr_NormalizeException(&type, &value, &trace);
	code = value ? core_failure(value, message, sizeof(message)) : 0;
	if (code == 0 || fail(lead, code, message) < 0)
		core_drop(lead);
	PyErr_Restore(type, value, trace);
}

static int name_tags(struct lead *lead, PyObject *tags)
{
	struct iovec tag[SFSHM_TAGS_MAX];
	int i, rc, count;

	if (core_tags(tags, tag, &count) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		rc = sfshm_flight_tag(&lead->flight.host, tag[i].iov_base,
				      tag[i].iov_len);
		/* A value without one of its tags would outlive that tag. */
		if (rc == -ENOSPC) {
			PyErr_Format(PyExc_ValueError,
				     "a value has at most %d tags",
				     SFSHM_TAGS_MAX);
			return -1;
		}
	}
	return 0;
}

/* Applies the options of the sfshm.Value that the work has returned. */
static int take_terms(struct lead *lead, PyObject *made)
{
	uint32_t ttl_ms = lead->request->policy.ttl_ms;
	PyObject *ttl, *tags, *share;
	int rc = -1;

	ttl = PyObject_GetAttrString(made, "ttl");
	tags = PyObject_GetAttrString(made, "tags");
	share = PyObject_GetAttrString(made, "share");
	if (!ttl || !tags || !share)
		goto out;
	if (ttl != Py_Ellipsis) {
		if (core_ms(ttl, SFSHM_FOREVER, &ttl_ms) < 0)
			goto out;
		sfshm_flight_ttl(&lead->flight.host, ttl_ms,
				 lead->request->policy.neg_ttl_ms);
	}
	if (name_tags(lead, tags) < 0)
		goto out;
	rc = PyObject_IsTrue(share);
	if (rc == 0)
		sfshm_flight_uncacheable(&lead->flight.host, ttl_ms);
	if (rc > 0)
		rc = 0;
out:
	Py_XDECREF(ttl);
	Py_XDECREF(tags);
	Py_XDECREF(share);
	return rc;
}

static int publish_once(struct lead *lead, const char *data, size_t len)
{
	return lead->fleet ? sfshm_fleet_publish(&lead->flight, data, len) :
			     sfshm_publish(&lead->flight.host, data, len);
}

/* Publishes. If the segment cannot keep the value, only this caller gets it. */
static void publish(struct lead *lead, PyObject *bytes)
{
	const char *data = PyBytes_AS_STRING(bytes);
	size_t len = (size_t)PyBytes_GET_SIZE(bytes);
	int rc;

	Py_BEGIN_ALLOW_THREADS;
	rc = publish_once(lead, data, len);
	if (rc == -EMSGSIZE || rc == -ENOSPC) {
		sfshm_flight_uncacheable(&lead->flight.host, 0);
		rc = publish_once(lead, data, len);
	}
	Py_END_ALLOW_THREADS;
	/* Does nothing if the flight has ended already. */
	if (rc < 0)
		core_drop(lead);
}

/* Returns the value inside a sfshm.Value, or the object itself. */
PyObject *core_unwrap(PyObject *made, int *is_terms)
{
	PyObject *value, *type = core_python("sfshm._values", "Value");

	*is_terms = type ? PyObject_IsInstance(made, type) : -1;
	Py_XDECREF(type);
	if (*is_terms < 0)
		return NULL;
	if (*is_terms)
		return PyObject_GetAttrString(made, "value");
	value = made;
	Py_INCREF(value);
	return value;
}

/* Publishes what the work has made. Returns its value; or NULL with an
   exception, and the flight goes on. */
PyObject *core_store(struct lead *lead, PyObject *made)
{
	PyObject *bytes, *value;
	int is_terms;

	value = core_unwrap(made, &is_terms);
	if (!value)
		return NULL;
	if (name_tags(lead, lead->request->tags) < 0 ||
	    (is_terms && take_terms(lead, made) < 0))
		goto fail;
	bytes = core_encode(lead->self, value);
	if (!bytes)
		goto fail;
	publish(lead, bytes);
	Py_DECREF(bytes);
	return value;
fail:
	Py_DECREF(value);
	return NULL;
}

/* After a failure: returns an old value if `stale_if_error` allows one, and
   logs the failure, because nobody gets the exception. */
PyObject *core_old_value(struct lead *lead)
{
	PyObject *type, *value, *trace, *old = NULL;

	if (!lead->request->policy.stale_if_error_ms ||
	    !PyErr_ExceptionMatches(PyExc_Exception))
		return NULL;
	PyErr_Fetch(&type, &value, &trace);
	if (sfshm_peek(lead->self->handle, lead->key->data, lead->key->len,
		       &lead->request->policy, &core_hit) >= 0)
		old = core_decode_hit(lead->self);
	if (!old) {
		PyErr_Restore(type, value, trace);
		return NULL;
	}
	if (core_log_stale(value) < 0)
		Py_CLEAR(old);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(trace);
	return old;
}

/* Runs the work and ends the flight, whatever the work does. */
static PyObject *lead_it(struct lead *lead, PyObject *creator)
{
	PyObject *made, *value = NULL;

	core_fleet_count(lead, 1);
	made = PyObject_CallNoArgs(creator);
	if (made)
		value = core_store(lead, made);
	Py_XDECREF(made);
	if (!value)
		core_end_failed(lead);
	core_fleet_count(lead, -1);
	return value ? value : core_old_value(lead);
}

/* Whether each caller must run the work itself, because the segment has no room
   or cannot be used. */
int core_is_local(int rc)
{
	return rc == -ENOSPC || rc == -EUSERS || rc == -ESHUTDOWN ||
	       rc == -EBADMSG || rc == -ECHILD;
}

static PyObject *run_alone(PyObject *creator, int rc)
{
	PyObject *value, *made;
	int is_terms;

	if (core_log_local(rc) < 0)
		return NULL;
	made = PyObject_CallNoArgs(creator);
	if (!made)
		return NULL;
	value = core_unwrap(made, &is_terms);
	Py_DECREF(made);
	return value;
}

static PyObject *waited(struct lead *lead, PyObject *creator)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	PyObject *value = NULL;
	int rc;

	rc = core_begin(lead, &result);
	if (rc == SFSHM_LEADER)
		value = lead_it(lead, creator);
	else if (rc >= 0)
		value = core_decode(lead->self, result.value.data,
				    result.value.len);
	else if (core_is_local(rc))
		value = run_alone(creator, rc);
	else if (rc != -EINTR)
		core_raise_result(rc, &result);
	sfshm_result_clear(&result);
	return value;
}

static PyObject *ask(struct lead *lead, PyObject *creator);

/* Loads the value. If that fails, perhaps because another version of the
   program has stored the value, makes it anew, once. */
static PyObject *load_hit(struct lead *lead, PyObject *creator)
{
	PyObject *value = core_decode_hit(lead->self);

	if (value || !lead->self->loads ||
	    lead->request->policy.flags & SFSHM_REFRESH ||
	    !PyErr_ExceptionMatches(PyExc_Exception))
		return value;
	PyErr_Clear();
	lead->request->policy.flags |= SFSHM_REFRESH;
	return ask(lead, creator);
}

/* Looks once for a fresh value, with the GIL held: that needs no fleet. A
   leader waits for the fleet's engine, so a caller that finds no value begins a
   flight without the GIL. */
static PyObject *ask_fleet(struct lead *lead, PyObject *creator)
{
	const struct key *key = lead->key;

	if (!(lead->request->policy.flags & SFSHM_REFRESH) &&
	    sfshm_get(lead->self->handle, key->data, key->len, &core_hit) >= 0)
		return load_hit(lead, creator);
	return core_fleet_find(lead) < 0 ? NULL : waited(lead, creator);
}

/*
 * Looks once with the GIL held: the caller has a hit, or leads, or gets -EBUSY.
 * In the last case it then waits without the GIL.
 */
static PyObject *ask(struct lead *lead, PyObject *creator)
{
	struct request *request = lead->request;
	uint32_t flags = request->policy.flags;
	int rc;

	if (lead->self->fleet)
		return ask_fleet(lead, creator);
	request->policy.flags |= SFSHM_TRY;
	rc = sfshm_begin(lead->self->handle, lead->key->data, lead->key->len,
			 &request->policy, &lead->flight.host, &core_hit);
	request->policy.flags = flags;
	if (rc == SFSHM_LEADER)
		return lead_it(lead, creator);
	if (rc >= 0)
		return load_hit(lead, creator);
	if (core_is_local(rc))
		return run_alone(creator, rc);
	if (rc == -EBUSY && !(flags & SFSHM_TRY))
		return waited(lead, creator);
	return core_raise_result(rc, &core_hit);
}

int core_set_claim(struct request *request, struct key *claim)
{
	if (!request->claim)
		return 0;
	if (core_key(request->claim, claim) < 0)
		return -1;
	request->policy.claim_key = claim->data;
	request->policy.claim_key_len = claim->len;
	return 0;
}

int core_has_gevent(void)
{
	static PyObject *name; /* of gevent's module, for ever */

	if (!name)
		name = PyUnicode_InternFromString("gevent.monkey");
	return name && PyDict_GetItem(PyImport_GetModuleDict(), name);
}

/* More named arguments than there are options. */
#define NAMED_MAX 32

/*
 * Calls sfshm._gevent.get_or_create() if the program has gevent. Returns a new
 * reference to NotImplemented if the program's threads sleep as usual.
 */
static PyObject *give_way(PyObject *object, PyObject *const *args,
			  PyObject *names)
{
	size_t count = names ? (size_t)PyTuple_GET_SIZE(names) : 0;
	PyObject *with_object[3 + NAMED_MAX] = { object };
	PyObject *call, *value;
	size_t i;

	if (!core_has_gevent() || count > NAMED_MAX)
		Py_RETURN_NOTIMPLEMENTED;
	for (i = 0; i < 2 + count; i++)
		with_object[1 + i] = args[i];
	call = core_python("sfshm._gevent", "get_or_create");
	if (!call)
		return NULL;
	value = PyObject_Vectorcall(call, with_object, 3, names);
	Py_DECREF(call);
	return value;
}

/* get_or_create(key, creator, **options) */
PyObject *core_get_or_create(PyObject *object, PyObject *const *args,
			     Py_ssize_t count, PyObject *names)
{
	struct segment *self = (struct segment *)object;
	struct request request = self->defaults;
	struct key key, claim;
	struct lead lead = { self, &key, &request, NULL,
			     SFSHM_FLEET_FLIGHT_INIT };
	PyObject *value;

	if (count != 2) {
		PyErr_SetString(PyExc_TypeError,
				"get_or_create(key, creator, *, ttl=...)");
		return NULL;
	}
	if (!self->fleet) {
		value = give_way(object, args, names);
		if (value != Py_NotImplemented)
			return value;
		Py_DECREF(value);
	}
	if (core_key(args[0], &key) < 0 ||
	    core_options(&request, args + count, names) < 0 ||
	    core_set_claim(&request, &claim) < 0)
		return NULL;
	return ask(&lead, args[1]);
}

/*
 * Renews the value that the flight is to replace, unless its lifetime has
 * ended. If the lifetime ends after the look, the caller came before that end.
 * If another caller invalidates the value after the look, the renewed value is
 * stale from the start.
 */
static int renew(struct sfshm_flight *flight)
{
	int rc = sfshm_flight_value(flight, &core_hit);

	if (rc == 0 && core_hit.stale)
		rc = -ENODATA;
	if (rc == 0) {
		Py_BEGIN_ALLOW_THREADS;
		rc = sfshm_touch(flight);
		Py_END_ALLOW_THREADS;
	}
	sfshm_flight_cleanup(flight);
	return rc;
}

/*
 * touch(key, ttl=...): gives a fresh value a new lifetime. Returns whether
 * there is one. If another caller leads the key, that caller's value is about
 * to replace it, and the lifetime stays as it is.
 */
PyObject *core_touch(PyObject *object, PyObject *args)
{
	struct segment *self = (struct segment *)object;
	struct request request = self->defaults;
	struct sfshm_flight flight = SFSHM_FLIGHT_INIT;
	PyObject *name, *ttl = Py_None;
	struct key key;
	int rc;

	if (!PyArg_ParseTuple(args, "O|O:touch", &name, &ttl))
		return NULL;
	if (core_key(name, &key) < 0 ||
	    core_ms(ttl, SFSHM_FOREVER, &request.policy.ttl_ms) < 0)
		return NULL;
	request.policy.flags |= SFSHM_TRY | SFSHM_REFRESH;
	rc = sfshm_begin(self->handle, key.data, key.len, &request.policy,
			 &flight, &core_hit);
	if (rc == SFSHM_LEADER)
		rc = renew(&flight);
	else if (rc == -EBUSY)
		rc = sfshm_get(self->handle, key.data, key.len, &core_hit);
	if (rc >= 0)
		Py_RETURN_TRUE;
	if (rc == -ENODATA || rc == -ESTALE)
		Py_RETURN_FALSE;
	return core_raise(rc, NULL);
}
