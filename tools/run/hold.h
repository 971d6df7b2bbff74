/* SPDX-License-Identifier: MIT */
#ifndef RUN_HOLD_H
#define RUN_HOLD_H

#include "lead.h"

/* Runs the command while it holds a lock, or has a permit. */
void invocation_hold(struct invocation *inv, struct outcome *o);

#endif
