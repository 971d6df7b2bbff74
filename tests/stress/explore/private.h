/* SPDX-License-Identifier: MIT */
/*
 * A participant's heap. It allocates from memory of its own, which is back at
 * its start in each run. A run uses no block again but the last that was
 * allocated, so its addresses depend on nothing but the run.
 */
#ifndef EXPLORE_PRIVATE_H
#define EXPLORE_PRIVATE_H

#include <stdint.h>

extern uint8_t private_heap[];
extern uint32_t private_used;

#endif
