/* SPDX-License-Identifier: MIT */
#include "access.h"

#include <string.h>

#include "memory.h"
#include "schedule.h"
#include "sharing.h"
#include "world.h"

/* Before the word is used, in the segment or in the memory of a process. */
static void point(const void *at, bool writes, const char *where)
{
	if (schedule_quiet || fiber_current < 0 ||
	    sharing_word(at) == SHARING_WORDS || world_is_dull(at))
		return;
	if (sharing_note(at, writes))
		schedule_access(at, writes, where);
	else
		schedule_pass(where);
	absence_note(at, writes);
}

static unsigned int me(void)
{
	return fiber_current < 0 ? 0 : (unsigned int)fiber_current;
}

uint64_t access_load(const void *at, size_t size, int order, const char *where)
{
	point(at, false, where);
	if (!world_has(at))
		return world_read(at, size);
	return memory_load(me(), at, size, order);
}

void access_store(void *at, size_t size, uint64_t value, int order,
		  const char *where)
{
	point(at, true, where);
	if (!world_has(at)) {
		world_set(at, size, value);
		return;
	}
	memory_store(me(), at, size, value, order);
}

bool access_cas(void *at, size_t size, uint64_t old, uint64_t next, int order,
		const char *where)
{
	point(at, true, where);
	if (!world_has(at)) {
		if (world_read(at, size) != old)
			return false;
		world_set(at, size, next);
		return true;
	}
	return memory_cas(me(), at, size, old, next, order);
}

uint64_t access_rmw(void *at, size_t size, enum access_rmw how,
		    uint64_t operand, int order, const char *where)
{
	uint64_t old;

	point(at, true, where);
	if (world_has(at))
		return memory_rmw(me(), at, size, how, operand, order);
	old = world_read(at, size);
	world_set(at, size,
		  how == ACCESS_ADD ? old + operand :
		  how == ACCESS_SUB ? old - operand :
				      old | operand);
	return old;
}

void access_fence(int order)
{
	if (fiber_current >= 0)
		memory_fence(me(), order);
}

void access_kernel_mark(unsigned int fiber, uint32_t *at, uint32_t value)
{
	absence_note(at, true);
	memory_cas(fiber, at, 4, *at, value, __ATOMIC_RELEASE);
}

void access_plain(uint32_t *at, uint32_t value)
{
	memory_store(me(), at, 4, value, __ATOMIC_RELAXED);
}

uint32_t access_swap(uint32_t *at, uint32_t value)
{
	uint32_t old = *at;

	absence_note(at, true);
	if (!world_has(at)) {
		*at = value;
		return old;
	}
	memory_cas(me(), at, 4, old, value, __ATOMIC_RELEASE);
	return old;
}

/* One word of a copy; the other side is the copier's own. */
static void copy_word(uint8_t *to, const uint8_t *from, size_t n,
		      const char *where)
{
	uint64_t w = 0;

	if (world_has(from)) {
		w = access_load(from, n, __ATOMIC_RELAXED, where);
		memcpy(to, &w, n);
	} else {
		memcpy(&w, from, n);
		access_store(to, n, w, __ATOMIC_RELAXED, where);
	}
}

void access_copy(void *to, const void *from, size_t n, const char *where)
{
	const uint8_t *src = from;
	uint8_t *dst = to;

	if (!world_has(to) && !world_has(from)) {
		memcpy(to, from, n);
		return;
	}
	while (n) {
		size_t step = n >= 8 ? 8 : n >= 4 ? 4 : n >= 2 ? 2 : 1;

		copy_word(dst, src, step, where);
		dst += step;
		src += step;
		n -= step;
	}
}
