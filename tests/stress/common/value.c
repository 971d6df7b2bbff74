/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "os/hash.h"
#include "random.h"

#define MAGIC 0x736f616bu

uint64_t value_make_tagged(void *data, uint32_t len, const struct stamp *of)
{
	struct stamp stamp = *of;
	uint8_t *bytes = data;

	stamp.magic = MAGIC;
	stamp.nonce = random_next();
	stamp.len = len;
	stamp.sum = 0;
	memcpy(bytes, &stamp, sizeof(stamp));
	for (uint32_t i = sizeof(stamp); i < len; i++)
		bytes[i] = (uint8_t)(stamp.nonce >> i % 8 * 8) ^ (uint8_t)i;
	stamp.sum = hash_bytes(bytes, len, 0);
	memcpy(bytes, &stamp, sizeof(stamp));
	return stamp.sum;
}

uint64_t value_make(void *data, uint32_t len, uint32_t key, uint64_t generation,
		    uint32_t ttl_ms)
{
	const struct stamp of = {
		.key = key,
		.generation = generation,
		.ttl_ms = ttl_ms,
	};

	return value_make_tagged(data, len, &of);
}

/* The sum is over the bytes as they were when it was 0. */
static uint64_t sum_of(const void *data, size_t len)
{
	uint8_t copy[MAX_VALUE];
	struct stamp stamp;

	memcpy(copy, data, len);
	memcpy(&stamp, copy, sizeof(stamp));
	stamp.sum = 0;
	memcpy(copy, &stamp, sizeof(stamp));
	return hash_bytes(copy, len, 0);
}

enum value_fault value_look(const void *data, size_t len, uint32_t key,
			    struct stamp *stamp)
{
	memset(stamp, 0, sizeof(*stamp));
	if (len < sizeof(*stamp) || len > MAX_VALUE)
		return VALUE_TORN;
	memcpy(stamp, data, sizeof(*stamp));
	if (stamp->magic != MAGIC || stamp->len != len ||
	    sum_of(data, len) != stamp->sum)
		return VALUE_TORN;
	return stamp->key == key ? VALUE_FINE : VALUE_OTHERS;
}

size_t key_text(char *text, size_t size, uint32_t key)
{
	return (size_t)snprintf(
		text, size,
		key % 3 ? "key-%" PRIu32 : "a key that is long: %" PRIu32, key);
}
