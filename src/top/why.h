/* SPDX-License-Identifier: MIT */
/*
 * options->why, for the calls that open and make segments: each of their
 * failures leaves a line there, unless `out` is NULL or the options' size is
 * impossible.
 */
#ifndef TOP_WHY_H
#define TOP_WHY_H

#include <sfshm/errors.h>

#include "segment/geometry.h"

static inline void why_clear(const struct sfshm_options *o)
{
	if (o && o->why && o->why_size)
		o->why[0] = '\0';
}

/*
 * Called with a call's outcome. If the call failed, and nothing that it called
 * said why, gives the error's general text. Returns the outcome.
 */
static inline int why_at_least(int r, const struct sfshm_options *o)
{
	if (r < 0 && o && o->why && o->why_size && !o->why[0])
		options_explain(o, "%s", sfshm_strerror(r));
	return r;
}

#endif
