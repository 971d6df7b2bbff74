/* SPDX-License-Identifier: MIT */
/*
 * Vector clocks of 16 bits for each thread.
 *
 * A clock is a set of events that holds, with an event, all earlier ones of its
 * thread: for each thread the number of its last event in the set, 0 for none.
 *
 * A front is the opposite: for each thread the number of its first event of
 * some kind, FRONT_NONE for none.
 */
#ifndef EXPLORE_CLOCK_H
#define EXPLORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "weak.h"

#define FRONT_NONE UINT16_MAX

typedef uint16_t vclock
	__attribute__((vector_size(WEAK_THREADS * sizeof(uint16_t))));

static const vclock clock_empty;
#define front_empty (~clock_empty)

static inline vclock clock_join(vclock a, vclock b)
{
	vclock more = (vclock)(a > b);

	return (a & more) | (b & ~more);
}

static inline vclock front_join(vclock a, vclock b)
{
	vclock less = (vclock)(a < b);

	return (a & less) | (b & ~less);
}

static inline bool lanes_any(vclock v)
{
	uint64_t half[sizeof(v) / sizeof(uint64_t)];

	memcpy(half, &v, sizeof(v));
	return half[0] | half[1];
}

/*
 * Whether the set holds an event of the front, or a later one of the thread.
 */
static inline bool clock_meets(vclock clock, vclock front)
{
	return lanes_any((vclock)(front <= clock));
}

#endif
