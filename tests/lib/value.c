/* SPDX-License-Identifier: MIT */
/*
 * Values that tell whether they are whole: each byte depends on the value's
 * seed (0 to 127) and on its own place, so that a mixture of two is found.
 */
#include "testing.h"

static uint8_t byte_at(unsigned int seed, size_t i)
{
	return (uint8_t)(0x80 | ((seed + i * 7 + (i >> 7) * 13) & 0x7f));
}

void value_fill(void *data, size_t len, unsigned int seed)
{
	uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_at(seed, i);
}

/* The seed of a whole value, or -1. */
int value_seed(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	unsigned int seed = len ? bytes[0] & 0x7fu : 0;

	for (size_t i = 0; i < len; i++)
		if (bytes[i] != byte_at(seed, i))
			return -1;
	return (int)seed;
}
