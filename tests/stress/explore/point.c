/* SPDX-License-Identifier: MIT */
/*
 * A fiber's points: the places at which it may be held up, sleeps, gives way,
 * or reads.
 */
#include "kernel.h"
#include "oracle.h"
#include "run.h"
#include "sharing.h"

/* A fiber that gives way takes so long. */
#define YIELD_NS 500000

void schedule_point(const char *where)
{
	if (schedule_quiet || fiber_current < 0)
		return;
	run.where[fiber_current] = where;
	if (run.step + 1 < run.pause_at && !oracle_failure) {
		run.step++;
		return;
	}
	run.event = EVENT_POINT;
	fiber_pause();
}

void schedule_access(const void *at, bool writes, const char *where)
{
	run.word = (int32_t)sharing_word(at);
	run.writes = writes;
	schedule_point(where);
	run.word = -1;
}

void schedule_pass(const char *where)
{
	if (run.step + 1 == run.pause_at || schedule_verbose)
		schedule_point(where);
	else
		run.step++;
}

void schedule_block(void)
{
	run.event = EVENT_BLOCK;
	if (schedule_quiet)
		oracle_fail("fiber %d sleeps where nobody can wake it",
			    fiber_current);
	fiber_pause();
}

void schedule_yield(void)
{
	kernel_time(world.now + YIELD_NS);
	if (schedule_quiet)
		return;
	run.where[fiber_current] = "kernel: sched_yield()";
	run.event = EVENT_YIELD;
	fiber_pause();
}

unsigned int schedule_read(unsigned int n)
{
	if (schedule_quiet || fiber_current < 0)
		return 0;
	if (run.step + 1 < run.pause_at && !oracle_failure) {
		run.step++;
		return 0;
	}
	run.values = n;
	run.value = 0;
	run.event = EVENT_READ;
	fiber_pause();
	return run.value < n ? run.value : 0;
}
