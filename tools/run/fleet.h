/* SPDX-License-Identifier: MIT */
/*
 * --fleet: one run of the command for the callers of several hosts. The engine
 * is in a library that sfshm-run loads when it is asked for.
 */
#ifndef RUN_FLEET_H
#define RUN_FLEET_H

#include "invocation.h"

/* Joins the fleet, if the options name one. False: *o says why not. */
bool fleet_join(struct invocation *inv, struct outcome *o);

/* Leaves it. */
void fleet_leave(struct invocation *inv);

/* sfshm_begin(), for the fleet if there is one. */
int fleet_begin(struct invocation *inv, const struct sfshm_policy *policy,
		struct sfshm_result *result);

#endif
