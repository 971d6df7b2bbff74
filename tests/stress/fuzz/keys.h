/* SPDX-License-Identifier: MIT */
/* The keys that images hold and operations ask for. */
#ifndef FUZZ_KEYS_H
#define FUZZ_KEYS_H

#include <stdint.h>
#include <string.h>

#include <sfshm/do.h>
#include <sfshm/flight.h>
#include <sfshm/inspect.h>
#include <sfshm/pin.h>
#include <sfshm/put.h>
#include <sfshm/resize.h>
#include <sfshm/tag.h>

#include "segment/layout.h"

/* The keys with which images begin. key_of() makes any number of keys. */
#define KEYS 12

struct key {
	size_t len;
	uint8_t bytes[SFSHM_KEY_MAX];
};

/* Of the first keys some are short, others about as long as a limit is. */
static inline struct key key_of(unsigned int n)
{
	static const uint16_t lengths[] = {
		1,
		2,
		3,
		1,
		SHM_INLINE_KEY,
		SHM_INLINE_KEY + 1,
		1,
		2,
		SHM_GRANULE,
		SHM_GRANULE + 1,
		200,
		SFSHM_KEY_MAX,
	};
	struct key key = { .len = n < KEYS ? lengths[n] : 3 };

	memset(key.bytes, 'a' + (int)(n % 26), key.len);
	return key;
}

#endif
