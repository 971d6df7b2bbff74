/* SPDX-License-Identifier: MIT */
/*
 * The breaker. A word in the segment's header says that an engine is away, so
 * one process of the host learns it for all.
 *
 * The engine's URL chooses one of the words, which is 0 or says
 *
 *	bits 48..63  a part of the URL's hash
 *	bits  0..47  until when the engine counts as away, CLOCK_MONOTONIC, ms
 *
 * A caller that finds that this time has passed sets it retry_ms ahead by one
 * CAS, and then is the only one to try the engine; for the others the engine is
 * still away. If the caller that tries dies, the next one tries after retry_ms.
 * The word is a hint: two engines that share a word overwrite each other's
 * state, which costs a time-out.
 */
#ifndef FLEET_BREAKER_H
#define FLEET_BREAKER_H

#include "segment/mapping.h"

struct sfshm_fleet;

/* Whether this caller may ask the engine. */
bool breaker_passes(struct mapping *map, const struct sfshm_fleet *fleet);

/* The engine has not answered. */
void breaker_trip(struct mapping *map, const struct sfshm_fleet *fleet);

/* The engine has answered. */
void breaker_close(struct mapping *map, const struct sfshm_fleet *fleet);

#endif
