/* SPDX-License-Identifier: MIT */
/* Pins: the bytes that they hold must be whole, and stay as they were. */
#include <inttypes.h>
#include <string.h>

#include <sfshm.h>

#include "board.h"
#include "os/atomics.h"
#include "os/hash.h"

#define MOST 6
#define PIECES 8

struct grip {
	struct sfshm_pin pin;
	uint32_t key;
	uint32_t len;
	uint64_t sum; /* of the bytes when they were pinned */
};

static struct grip grips[MOST];
static unsigned int held;
static uint8_t bytes[MAX_VALUE];

/* The pinned bytes, a few pieces at a time. */
static bool gather(const struct grip *g)
{
	struct iovec iov[PIECES];
	size_t at = 0;
	int n;

	while ((n = sfshm_pin_iov(&g->pin, at, iov, PIECES)) > 0)
		for (int i = 0; i < n; i++) {
			if (at + iov[i].iov_len > sizeof(bytes))
				return false;
			memcpy(bytes + at, iov[i].iov_base, iov[i].iov_len);
			at += iov[i].iov_len;
		}
	return n == 0 && at == g->len;
}

static void look(const struct grip *g)
{
	count(TALLY_pin_looks);
	if (!gather(g))
		violation("key %" PRIu32 ": its pin leads nowhere", g->key);
	else if (hash_bytes(bytes, g->len, 1) != g->sum)
		violation("key %" PRIu32 ": pinned bytes have changed", g->key);
}

static void drop(unsigned int i)
{
	int r;

	look(&grips[i]);
	r = sfshm_unpin(&grips[i].pin);
	if (r)
		violation("key %" PRIu32 ": unpin says: %s", grips[i].key,
			  sfshm_strerror(r));
	grips[i] = grips[--held];
}

/* Large ones are not held for long: the arena is small. */
static void keep_or_drop(struct grip *g)
{
	look(g);
	if (g->len > 2048 && held > 1)
		drop(held - 1);
}

void grips_take(struct sfshm *handle, uint32_t key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t floor = floor_of(key);
	struct grip *g = &grips[held];
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r;

	if (held == MOST)
		return;
	r = sfshm_pin(handle, text, len, &g->pin, &result);
	if (r == -ENODATA)
		return;
	if (r) {
		violation("key %" PRIu32 ": pin says: %s", key,
			  sfshm_strerror(r));
		return;
	}
	count(TALLY_pinned);
	g->key = key;
	g->len = (uint32_t)result.value.len;
	held++;
	if (!gather(g)) {
		violation("key %" PRIu32 ": its pin leads nowhere", key);
		return;
	}
	g->sum = hash_bytes(bytes, g->len, 1);
	judge_value(key, &result, bytes, floor);
	keep_or_drop(g);
}

void grips_look(void)
{
	if (held)
		look(&grips[random_below(held)]);
}

void grips_drop(unsigned int keep)
{
	while (held > keep)
		drop(random_below(held));
}
