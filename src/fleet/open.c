/* SPDX-License-Identifier: MIT */
/* Joining a fleet and leaving it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fleet/fleet.h"
#include "os/hash.h"
#include "os/process.h"
#include "top/sized.h"

#define LEASE_MS 10000
#define LEAST_LEASE_MS 100
#define COMMAND_MS 500
#define RETRY_MS 1000

static void explain(const struct sfshm_fleet_options *o, const char *why)
{
	if (o->why && o->why_size)
		snprintf(o->why, o->why_size, "%s", why);
}

/* As in top/why.h: each failure leaves a line. Returns the error. */
static int fail(const struct sfshm_fleet_options *o, int error)
{
	if (o->why && o->why_size && !o->why[0])
		explain(o, sfshm_strerror(error));
	return error;
}

static uint32_t or_default(uint32_t value, uint32_t usual)
{
	return value ? value : usual;
}

/* Checks the options, and copies them to *own with their defaults. */
static int adopt(const struct sfshm_fleet_options *o,
		 struct sfshm_fleet_options *own)
{
	int r = 0;

	if (o)
		r = sized_read(own, sizeof(*own), o);
	else
		*own = (struct sfshm_fleet_options){ .size = sizeof(*own) };
	explain(own, "");
	if (r) {
		explain(own, "the options come from a newer header, or their "
			     "size is not set: install a newer libsfshm, or "
			     "set the size");
		return r;
	}
	own->lease_ms = or_default(own->lease_ms, LEASE_MS);
	own->command_ms = or_default(own->command_ms, COMMAND_MS);
	own->retry_ms = or_default(own->retry_ms, RETRY_MS);
	if (own->flags & ~(uint32_t)SFSHM_FLEET_STRICT || own->reserved ||
	    own->jitter > 100 || own->lease_ms < LEAST_LEASE_MS ||
	    own->lease_ms > INT32_MAX) {
		explain(own, "an option is out of range: leases last from "
			     "100 to 2^31 - 1 ms, jitter is 0 to 100 percent");
		return -EINVAL;
	}
	return 0;
}

static bool ops_are_known(const struct sfshm_fleet_ops *ops)
{
	return ops && ops->size >= sizeof(*ops) && ops->open && ops->close &&
	       ops->acquire && ops->publish && ops->renew && ops->release &&
	       ops->invalidate && ops->watch && ops->next && ops->unwatch;
}

static int open_engine(struct sfshm_fleet *fleet, const char *url,
		       const struct sfshm_fleet_options *o)
{
	int state = uncancelled_begin();
	int r = fleet->ops->open(url, o, &fleet->engine);

	uncancelled_end(state);
	return r;
}

int sfshm_fleet_open(struct sfshm_fleet **out, struct sfshm *handle,
		     const struct sfshm_fleet_ops *ops, const char *url,
		     const struct sfshm_fleet_options *options)
{
	struct sfshm_fleet_options own;
	struct sfshm_fleet *fleet;
	int r;

	if (!out)
		return -EINVAL;
	*out = NULL;
	r = adopt(options, &own);
	if (!r && (!handle || !url || !ops_are_known(ops))) {
		explain(&own, "a handle, an engine of this version and a URL "
			      "are needed");
		r = -EINVAL;
	}
	if (r)
		return r;
	fleet = calloc(1, sizeof(*fleet));
	if (!fleet)
		return fail(&own, -ENOMEM);
	fleet->handle = handle;
	fleet->ops = ops;
	fleet->cookie = process_cookie();
	fleet->url_hash = hash_bytes(url, strlen(url), 0);
	fleet->flags = own.flags;
	fleet->lease_ms = own.lease_ms;
	fleet->command_ms = own.command_ms;
	fleet->retry_ms = own.retry_ms;
	fleet->jitter = own.jitter;
	r = fleet->cookie ? open_engine(fleet, url, &own) : -ENOMEM;
	if (r) {
		free(fleet);
		return fail(&own, r);
	}
	leases_init(&fleet->leases);
	*out = fleet;
	return 0;
}

/*
 * In a forked child the parent's lock and list may be in any state, so the
 * child leaves them as they are, and does not free their memory.
 */
int sfshm_fleet_close(struct sfshm_fleet *fleet)
{
	bool forked;
	int state;

	if (!fleet)
		return 0;
	forked = fleet->cookie != process_cookie();
	if (!forked && !leases_none(fleet))
		return -EBUSY;
	state = uncancelled_begin();
	if (!forked)
		leases_end(fleet);
	fleet->ops->close(fleet->engine, forked);
	if (!forked)
		free(fleet);
	uncancelled_end(state);
	return 0;
}
