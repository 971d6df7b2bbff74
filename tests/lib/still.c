/* SPDX-License-Identifier: MIT */
#include "still.h"

#include <errno.h>

struct still still;

uint64_t still_now(void)
{
	return still.clock_ns;
}

long still_sleep(struct futex_waitv *words, unsigned int count,
		 const struct timespec *until)
{
	(void)words;
	(void)count;
	still.naps++;
	still.clock_ns =
		(uint64_t)until->tv_sec * NS_PER_S + (uint64_t)until->tv_nsec;
	errno = ETIMEDOUT;
	return -1;
}

int still_setup(void **state)
{
	still.real = sys;
	still.naps = 0;
	still.clock_ns = sys.now();
	return segment_setup(state);
}

int still_teardown(void **state)
{
	sys = still.real;
	return segment_teardown(state);
}
