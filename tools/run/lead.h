/* SPDX-License-Identifier: MIT */
/*
 * The two parts a call can play.
 */
#ifndef RUN_LEAD_H
#define RUN_LEAD_H

#include "call.h"

/* Runs the command and ends the flight. */
void call_lead(struct call *call, struct sfshm_flight *flight,
	       const struct sfshm_result *result, struct outcome *o);

/* Writes out what another call's run gave. */
void call_follow(struct call *call, const struct sfshm_result *result,
		 struct outcome *o);

#endif
