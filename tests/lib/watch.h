/* SPDX-License-Identifier: MIT */
/* Watching the test's segment from outside. */
#ifndef LIB_WATCH_H
#define LIB_WATCH_H

#include "testing.h"

/* Returns the path of the segment's file. */
const char *watch_path(void);

/* Reads the slot of a key as it is now; false: the key has none. */
bool watch_key(const char *key, struct sfshm_slot_info *info);

/* Returns the key's phase; SFSHM_PHASE_FREE if it has no slot. */
enum sfshm_phase watch_phase(const char *key);

/* Returns the number of callers that wait for the key. */
uint32_t watch_waiters(const char *key);

/* Returns the counter of that name, over all participants. */
uint64_t watch_counter(const char *name);

/* Counts the attached records, and how many of these live. */
void watch_participants(uint32_t *attached, uint32_t *alive);

/* Waits until so many wait; fails the test if that does not come about. */
void await_waiters(const char *key, uint32_t n);
void await_phase(const char *key, enum sfshm_phase phase);

void watch_end(void);

#endif
