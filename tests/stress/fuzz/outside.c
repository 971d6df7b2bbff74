/* SPDX-License-Identifier: MIT */
#include "outside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "os/sys.h"

#define BEGINNING (UINT64_C(1000000) * NS_PER_S)

static uint64_t now_ns = BEGINNING;
static uint64_t random_numbers;

void (*outside_asleep)(void);

ssize_t __wrap_getrandom(void *to, size_t size, unsigned int flags);
int __wrap_clock_nanosleep(clockid_t clock, int flags,
			   const struct timespec *span, struct timespec *left);

ssize_t __wrap_getrandom(void *to, size_t size, unsigned int flags)
{
	uint64_t n = ++random_numbers * UINT64_C(0x9e3779b97f4a7c15);

	(void)flags;
	memset(to, 1, size);
	memcpy(to, &n, size < sizeof(n) ? size : sizeof(n));
	return (ssize_t)size;
}

int __wrap_clock_nanosleep(clockid_t clock, int flags,
			   const struct timespec *span, struct timespec *left)
{
	(void)clock;
	(void)flags;
	(void)left;
	now_ns += (uint64_t)span->tv_sec * NS_PER_S + (uint64_t)span->tv_nsec;
	return 0;
}

/* A thing that waits by looking at the clock must see it move. */
static uint64_t clock_now(void)
{
	now_ns += NS_PER_MS;
	return now_ns;
}

static uint64_t clock_coarse(void)
{
	return now_ns;
}

static int sleep_through(const struct timespec *until)
{
	uint64_t end;

	/* Every sleep of the library has an end. */
	if (!until)
		abort();
	if (outside_asleep)
		outside_asleep();
	end = (uint64_t)until->tv_sec * NS_PER_S + (uint64_t)until->tv_nsec;
	if (end > now_ns)
		now_ns = end;
	return -ETIMEDOUT;
}

static long no_waitv(struct futex_waitv *words, unsigned int count,
		     const struct timespec *until)
{
	(void)words;
	errno = -(count ? sleep_through(until) : -EINVAL);
	return -1;
}

static int no_wait(uint32_t *word, uint32_t value, const struct timespec *until)
{
	(void)word;
	(void)value;
	return sleep_through(until);
}

static int no_wake(uint32_t *word, int count)
{
	(void)word;
	(void)count;
	return 0;
}

void outside_begin(void)
{
	sys.waitv = no_waitv;
	sys.wait = no_wait;
	sys.wake = no_wake;
	sys.now = clock_now;
	sys.coarse = clock_coarse;
	sys.boot = clock_coarse;
}

void outside_pass(uint64_t ms)
{
	now_ns += ms * NS_PER_MS;
}
