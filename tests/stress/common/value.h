/* SPDX-License-Identifier: MIT */
/*
 * A value says whose it is, which generation made it, and how long it is; a
 * sum over all of it tells a mixture of two from either.
 */
#ifndef STRESS_VALUE_H
#define STRESS_VALUE_H

#include <stddef.h>
#include <stdint.h>

#define MAX_VALUE (16 << 10)

struct stamp {
	uint32_t magic;
	uint32_t key;
	uint64_t generation;
	uint64_t nonce;
	uint32_t len; /* of all */
	uint32_t ttl_ms;
	uint64_t begun; /* when its work began; see tags.h */
	uint64_t tags;  /* that it carries */
	uint64_t sum;   /* of all, this being 0 */
};
#define VALUE_MIN sizeof(struct stamp)

enum value_fault {
	VALUE_FINE,
	VALUE_TORN,
	VALUE_OTHERS, /* another key's */
};

/*
 * Makes a value of `len` bytes, of this key, generation, lifetime, time and
 * tags. Returns its sum.
 */
uint64_t value_make_tagged(void *data, uint32_t len, const struct stamp *of);

/* ... without tags. */
uint64_t value_make(void *data, uint32_t len, uint32_t key, uint64_t generation,
		    uint32_t ttl_ms);

/* Sets *stamp; to zeroes, if the value is too short for one. */
enum value_fault value_look(const void *data, size_t len, uint32_t key,
			    struct stamp *stamp);

/*
 * A key's bytes; 64 of them at most. Every third key is too long for its slot.
 */
size_t key_text(char *text, size_t size, uint32_t key);

#endif
