/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include "schedule.h"
#include "weak.h"
#include "world.h"

bool memory_weak;

/* Set-up and janitor run alone, and see what is newest. */
static bool is_weak(const void *at)
{
	return memory_weak && !schedule_quiet && !world_is_dull(at);
}

void memory_reset(void)
{
	if (!memory_weak)
		return;
	weak_reset();
	weak_choose = schedule_read;
}

void memory_fork(unsigned int child, unsigned int parent)
{
	if (memory_weak)
		weak_join(child, parent);
}

void memory_meet(unsigned int fiber)
{
	for (unsigned int f = 0; memory_weak && f < FIBERS; f++)
		if (f != fiber && fiber_process(f) == fiber_process(fiber))
			weak_join(fiber, f);
}

uint64_t memory_load(unsigned int fiber, const void *at, size_t size, int order)
{
	if (!is_weak(at))
		return world_read(at, size);
	return weak_load(fiber, at, (unsigned int)size, order);
}

void memory_store(unsigned int fiber, void *at, size_t size, uint64_t value,
		  int order)
{
	struct world_change c = world_before(at, size);

	if (is_weak(at))
		weak_store(fiber, at, (unsigned int)size, value, order);
	else
		world_set(at, size, value);
	world_after(&c, false);
}

bool memory_cas(unsigned int fiber, void *at, size_t size, uint64_t old,
		uint64_t next, int order)
{
	struct world_change c = world_before(at, size);

	if (is_weak(at)) {
		if (!weak_cas(fiber, at, (unsigned int)size, old, next, order,
			      __ATOMIC_RELAXED, NULL))
			return false;
	} else {
		if (world_read(at, size) != old)
			return false;
		world_set(at, size, next);
	}
	world_after(&c, true);
	return true;
}

static uint64_t plain_rmw(void *at, size_t size, enum access_rmw how,
			  uint64_t operand)
{
	uint64_t old = world_read(at, size);

	world_set(at, size,
		  how == ACCESS_ADD ? old + operand :
		  how == ACCESS_SUB ? old - operand :
				      old | operand);
	return old;
}

uint64_t memory_rmw(unsigned int fiber, void *at, size_t size,
		    enum access_rmw how, uint64_t operand, int order)
{
	struct world_change c = world_before(at, size);
	uint64_t old;

	if (!is_weak(at))
		old = plain_rmw(at, size, how, operand);
	else if (how == ACCESS_OR)
		old = weak_or(fiber, at, (unsigned int)size, operand, order);
	else
		old = weak_add(fiber, at, (unsigned int)size,
			       how == ACCESS_ADD ? operand : -operand, order);
	world_after(&c, true);
	return old;
}

void memory_fence(unsigned int fiber, int order)
{
	if (memory_weak && !schedule_quiet)
		weak_fence(fiber, order);
}
