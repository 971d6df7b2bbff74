/* SPDX-License-Identifier: MIT */
/* States that were met, each with the most of the budget that was left. */
#ifndef EXPLORE_SEEN_H
#define EXPLORE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

void seen_forget(void);

/*
 * True if it is new, or was met with less left: it is to be followed. Counts
 * the new ones. Without memory it notes no more states, and all that are not
 * noted are to be followed.
 */
bool seen_add(uint64_t hash, unsigned int left, uint64_t *count);

#endif
