/* SPDX-License-Identifier: MIT */
/*
 * A cache's fleet: one leader per key among the processes of several hosts. The
 * engine is in libsfshm-redis, which only a cache with a fleet loads.
 *
 * An open fleet is of use only to the process that opened it. A forked child
 * opens one of its own at its first miss. If it cannot, perhaps because it runs
 * as a user that must not read the password's file, the fleet is away for it,
 * as if the server did not answer; it tries again at each miss.
 */
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>
#include "core.h"

#define ENGINE "libsfshm-redis.so.0"

struct fleet {
	struct sfshm_fleet *open; /* NULL: not yet in this process */
	pid_t pid;
	int leads; /* flights that have not ended; they use `open` */
	const struct sfshm_fleet_ops *engine;
	struct sfshm_fleet_options options;
	char url[];
};

/* Returns NULL with an exception. The engine is never unloaded. */
static const struct sfshm_fleet_ops *load_engine(void)
{
	const struct sfshm_fleet_ops *(*engine)(void) = NULL;
	void *library = dlopen(ENGINE, RTLD_NOW | RTLD_LOCAL);
	char text[512];
	const char *why;
	void *found;

	if (library) {
		found = dlsym(library, "sfshm_fleet_redis");
		memcpy(&engine, &found, sizeof(engine));
	}
	if (engine)
		return engine();
	/* The interpreter's lock is held. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	why = dlerror();
	PyOS_snprintf(text, sizeof(text),
		      "a fleet needs " ENGINE
		      ": install the package libsfshm-redis0, or build the "
		      "library with hiredis (%.300s)",
		      why ? why : "");
	core_raise(-EPROTO, text);
	return NULL;
}

static int read_option(struct sfshm_fleet_options *options, PyObject *name,
		       PyObject *value)
{
	int on;

	if (PyUnicode_CompareWithASCIIString(name, "lease") == 0)
		return core_ms(value, 0, &options->lease_ms);
	if (PyUnicode_CompareWithASCIIString(name, "timeout") == 0)
		return core_ms(value, 0, &options->command_ms);
	if (PyUnicode_CompareWithASCIIString(name, "retry") == 0)
		return core_ms(value, 0, &options->retry_ms);
	if (PyUnicode_CompareWithASCIIString(name, "jitter") == 0) {
		options->jitter = (uint32_t)PyLong_AsUnsignedLong(value);
		return PyErr_Occurred() ? -1 : 0;
	}
	if (PyUnicode_CompareWithASCIIString(name, "strict") != 0) {
		PyErr_Format(PyExc_TypeError, "unknown fleet option '%U'",
			     name);
		return -1;
	}
	on = PyObject_IsTrue(value);
	if (on > 0)
		options->flags |= SFSHM_FLEET_STRICT;
	return on < 0 ? -1 : 0;
}

/* Returns 0, or an error with a line in `why`. Does not wait for the engine. */
static int open_here(struct segment *self, char *why, size_t size)
{
	struct fleet *fleet = self->fleet;
	struct sfshm_fleet_options options = fleet->options;

	options.why = why;
	options.why_size = size;
	fleet->leads = 0;
	fleet->pid = getpid();
	return sfshm_fleet_open(&fleet->open, self->handle, fleet->engine,
				fleet->url, &options);
}

/* Opens the fleet of a new cache. Returns 0, or -1 with an exception. */
static int open_first(struct segment *self)
{
	char why[512] = "";
	int rc = open_here(self, why, sizeof(why));

	if (rc == -EINVAL || rc == -ENOMEM)
		core_raise(rc, why);
	else if (rc < 0)
		core_raise_unusable(rc, why);
	return rc < 0 ? -1 : 0;
}

/* Joins the fleet. `options` is a dict. Returns 0, or -1 with an exception. */
int core_fleet_join(struct segment *self, PyObject *url, PyObject *options)
{
	PyObject *name, *value;
	Py_ssize_t len, at = 0;
	struct fleet *fleet;
	const char *text = PyUnicode_AsUTF8AndSize(url, &len);

	if (!text)
		return -1;
	fleet = PyMem_Calloc(1, sizeof(*fleet) + (size_t)len + 1);
	if (!fleet) {
		PyErr_NoMemory();
		return -1;
	}
	self->fleet = fleet;
	memcpy(fleet->url, text, (size_t)len);
	fleet->options.size = sizeof(fleet->options);
	while (PyDict_Next(options, &at, &name, &value)) {
		if (read_option(&fleet->options, name, value) < 0)
			return -1;
	}
	fleet->engine = load_engine();
	return fleet->engine ? open_first(self) : -1;
}

/*
 * Closes the fleet; in a forked child, only the child's copies of the parent's
 * descriptors. If the fork was in the work of a flight, the child closes none:
 * it returns from that work, too, and the flight still refers to the fleet.
 */
static void close_open(struct fleet *fleet)
{
	struct sfshm_fleet *open = fleet->open;

	fleet->open = NULL;
	if (!open || fleet->leads > 0)
		return;
	Py_BEGIN_ALLOW_THREADS;
	(void)!sfshm_fleet_close(open);
	Py_END_ALLOW_THREADS;
}

void core_fleet_leave(struct segment *self)
{
	if (self->fleet)
		close_open(self->fleet);
	PyMem_Free(self->fleet);
	self->fleet = NULL;
}

/* Returns this process's fleet; or NULL, with a line in `why`, if it cannot be
   opened. */
static struct sfshm_fleet *fleet_of(struct segment *self, char *why,
				    size_t size)
{
	struct fleet *fleet = self->fleet;

	if (fleet->pid != getpid())
		close_open(fleet);
	if (!fleet->open && open_here(self, why, size) < 0)
		return NULL;
	return fleet->open;
}

int core_fleet_find(struct lead *lead)
{
	const struct fleet *fleet = lead->self->fleet;
	char why[512] = "";

	lead->fleet = fleet_of(lead->self, why, sizeof(why));
	if (lead->fleet)
		return 0;
	if (!(fleet->options.flags & SFSHM_FLEET_STRICT))
		return core_log_away(why);
	core_raise(-EHOSTUNREACH, why);
	return -1;
}

/* Counts only a flight of the present `open`: after a fork, a flight may be of
   the parent's. */
void core_fleet_count(struct lead *lead, int change)
{
	if (lead->fleet && lead->self->fleet->open == lead->fleet)
		lead->self->fleet->leads += change;
}

int core_fleet_invalidate(struct segment *self, const struct key *key,
			  uint32_t flags)
{
	char why[512] = "";
	struct sfshm_fleet *fleet = fleet_of(self, why, sizeof(why));
	int rc;

	if (!fleet) {
		(void)!sfshm_invalidate(self->handle, key->data, key->len,
					flags);
		core_raise(-EHOSTUNREACH, why);
		return -EINTR;
	}
	Py_BEGIN_ALLOW_THREADS;
	rc = sfshm_fleet_invalidate(fleet, key->data, key->len, flags);
	Py_END_ALLOW_THREADS;
	return rc;
}
