/* SPDX-License-Identifier: MIT */
/*
 * The two roles of a call: leader and follower.
 */
#ifndef RUN_LEAD_H
#define RUN_LEAD_H

#include "invocation.h"

/* Runs the command and ends the flight. */
void invocation_lead(struct invocation *inv, struct sfshm_flight *flight,
		     const struct sfshm_result *result, struct outcome *o);

/* Writes out the result of another call's run. */
void invocation_follow(struct invocation *inv,
		       const struct sfshm_result *result, struct outcome *o);

#endif
