/* SPDX-License-Identifier: MIT */
/*
 * The breaker of an engine that is away, in the segment's header, so that one
 * process of the host learns it for all.
 *
 * The engine's URL chooses one of the words, which is 0 or says
 *
 *	bits 48..63  a part of the URL's hash
 *	bits  0..47  until when the engine counts as away, CLOCK_MONOTONIC, ms
 *
 * A caller that finds that time over moves it ahead by one CAS, and then is the
 * only one to try the engine; the others still take it for away. The word is a
 * hint. If two engines share a word, they forget each other's state: the cost
 * is a time-out. If the caller that tries dies, the next one tries after
 * retry_ms.
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
