/* SPDX-License-Identifier: MIT */
/* Watches from outside what happens in the test's segment. */
#ifndef LIB_WATCH_H
#define LIB_WATCH_H

#include "testing.h"

/* The segment's file. */
const char *watch_path(void);

/* The slot of a key as it is now; false: the key has none. */
bool watch_key(const char *key, struct sfshm_slot_info *info);

/* The key's phase; SFSHM_PHASE_FREE if it has no slot. */
enum sfshm_phase watch_phase(const char *key);

/* How many wait for the key. */
uint32_t watch_waiters(const char *key);

/* The counter of that name, over all participants. */
uint64_t watch_counter(const char *name);

/* How many records are attached, and how many of these live. */
void watch_participants(uint32_t *attached, uint32_t *alive);

/* Waits until it is so, fails the test if it does not come about. */
void await_waiters(const char *key, uint32_t n);
void await_phase(const char *key, enum sfshm_phase phase);

void watch_end(void);

#endif
