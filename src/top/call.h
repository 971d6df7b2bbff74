/* SPDX-License-Identifier: MIT */
#ifndef TOP_CALL_H
#define TOP_CALL_H

#include "sync/flight.h"
#include "top/handle.h"

/* Checks a call's arguments and finds its peer; 0 or what to answer. */
int call_start(struct call *c, struct sfshm *h, const void *key, size_t len,
	       const struct sfshm_policy *policy, struct sfshm_result *result);

#endif
