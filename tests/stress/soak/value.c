/* SPDX-License-Identifier: MIT */
/*
 * A value says whose it is, which generation made it, and how long it is; a
 * sum over all of it tells a mixture of two from either.
 */
#include <string.h>

#include "board.h"
#include "os/hash.h"

#define MAGIC 0x736f616bu

void value_make(void *data, uint32_t len, uint32_t key, uint64_t generation,
		uint32_t ttl_ms)
{
	struct stamp stamp = {
		.magic = MAGIC,
		.key = key,
		.generation = generation,
		.nonce = random_next(),
		.len = len,
		.ttl_ms = ttl_ms,
	};
	uint8_t *bytes = data;

	memcpy(bytes, &stamp, sizeof(stamp));
	for (uint32_t i = sizeof(stamp); i < len; i++)
		bytes[i] = (uint8_t)(stamp.nonce >> i % 8 * 8) ^ (uint8_t)i;
	stamp.sum = hash_bytes(bytes, len, 0);
	memcpy(bytes, &stamp, sizeof(stamp));
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

const char *value_fault(const void *data, size_t len, uint32_t key)
{
	struct stamp stamp;

	if (len < sizeof(stamp) || len > MAX_VALUE)
		return "its length cannot be";
	memcpy(&stamp, data, sizeof(stamp));
	if (stamp.magic != MAGIC)
		return "it is no value of ours";
	if (stamp.key != key)
		return "it is another key's";
	if (stamp.len != len)
		return "it is not as long as it was";
	return sum_of(data, len) == stamp.sum ? NULL : "it is torn";
}
