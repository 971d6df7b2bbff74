/* SPDX-License-Identifier: MIT */
#ifndef RUN_HOLD_H
#define RUN_HOLD_H

#include "lead.h"

/* Runs the command while this process holds the lock or permit. */
void invocation_hold(struct invocation *inv, struct outcome *o);

#endif
