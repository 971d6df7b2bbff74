/* SPDX-License-Identifier: MIT */
/*
 * A participant's heap: what it allocates lies in memory that is its own and
 * that is back at its start in each run. Nothing is ever used again within a
 * run but the last one that was allocated, so a run's addresses depend on
 * nothing but the run.
 */
#ifndef EXPLORE_PRIVATE_H
#define EXPLORE_PRIVATE_H

#include <stdint.h>

extern uint8_t private_heap[];
extern uint32_t private_used;

#endif
