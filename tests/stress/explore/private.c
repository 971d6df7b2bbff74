/* SPDX-License-Identifier: MIT */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#include "fiber.h"
#include "redirect.h"

#undef malloc
#undef calloc
#undef realloc
#undef free

#define LINE 64

uint8_t private_heap[FIBER_HEAP] __attribute__((aligned(LINE)));
uint32_t private_used;

/* Before each piece: its size, in a line of its own. */
static uint64_t *size_of(void *piece)
{
	return (uint64_t *)(void *)((uint8_t *)piece - LINE);
}

static bool is_private(const void *at)
{
	return (const uint8_t *)at >= private_heap &&
	       (const uint8_t *)at < private_heap + FIBER_HEAP;
}

void *private_alloc(size_t size)
{
	size_t whole = LINE + ((size + LINE - 1) & ~(size_t)(LINE - 1));
	uint8_t *at = private_heap + private_used + LINE;

	/* The janitor's tables are no participant's. */
	if (fiber_current < 0)
		return calloc(1, size);
	if (whole > FIBER_HEAP - private_used)
		return NULL;
	private_used += (uint32_t)whole;
	*size_of(at) = size;
	memset(at, 0, whole - LINE);
	return at;
}

void *private_realloc(void *old, size_t size)
{
	void *fresh = private_alloc(size);

	if (fresh && old)
		memcpy(fresh, old, *size_of(old) < size ? *size_of(old) : size);
	private_free(old);
	return fresh;
}

void private_free(void *old)
{
	uint8_t *at = old;
	size_t whole;

	if (!old)
		return;
	if (!is_private(old)) {
		free(old);
		return;
	}
	whole = LINE + ((*size_of(old) + LINE - 1) & ~(size_t)(LINE - 1));
	if (at - LINE + whole == private_heap + private_used)
		private_used -= (uint32_t)whole;
}
