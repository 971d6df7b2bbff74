/* SPDX-License-Identifier: MIT */
/*
 * Filling in a result. Each field is set in each answer, so that none is left
 * of the call before; the value's bytes and a message come from the caller.
 */
#ifndef SYNC_RESULT_H
#define SYNC_RESULT_H

#include <string.h>

#include <sfshm/result.h>

#include "os/atomics.h"

struct answer {
	enum sfshm_source source;
	int32_t code;
	bool leader;
	bool owner_died;
	bool uncached;
	bool stale;
	bool coordinated;
	uint64_t generation;
	uint64_t now, stored; /* ns; the value's age is between them */
};

static force_inline void result_fill(struct sfshm_result *r,
				     const struct answer *a)
{
	r->source = a->source;
	r->code = a->code;
	r->leader = a->leader;
	r->shared = !a->leader;
	r->owner_died = a->owner_died;
	r->uncached = a->uncached;
	r->stale = a->stale;
	r->coordinated = a->coordinated;
	memset(r->reserved, 0, sizeof(r->reserved));
	r->generation = a->generation;
	r->age_ns = a->now > a->stored ? a->now - a->stored : 0;
}

#endif
