/* SPDX-License-Identifier: MIT */
/*
 * Times in few bits, as a mantissa and an exponent. A time in 16 bits is less
 * than a thousandth off, a time in 8 bits less than a fifth, from 66 us on.
 */
#ifndef STORE_SCALE_H
#define STORE_SCALE_H

#include <stdint.h>

#define SCALE_FOREVER UINT16_MAX

/* Milliseconds in 16 bits, rounded up: 11 of mantissa, 5 of exponent. */
static inline uint16_t scale_ms(uint32_t ms)
{
	uint32_t shift = 0;

	if (ms == UINT32_MAX)
		return SCALE_FOREVER;
	while (ms >> shift > 2046)
		shift++;
	return (uint16_t)(shift << 11 |
			  (ms + (UINT64_C(1) << shift) - 1) >> shift);
}

static inline uint64_t unscale_ms(uint16_t scaled)
{
	if (scaled == SCALE_FOREVER)
		return UINT64_MAX;
	return (uint64_t)(scaled & 2047) << (scaled >> 11);
}

/* Time that work took, ns: 3 bits of mantissa, 5 of exponent, 16 us units. */
static inline uint8_t scale_took(uint64_t ns)
{
	uint64_t units = ns / 16384;
	/* keeps three bits */
	uint32_t shift = 61 - (uint32_t)__builtin_clzll(units | 7);

	return shift > 31 ? UINT8_MAX :
			    (uint8_t)(shift << 3 | (uint32_t)(units >> shift));
}

static inline uint64_t unscale_took(uint8_t scaled)
{
	return ((uint64_t)(scaled & 7) << (scaled >> 3)) * 16384;
}

#endif
