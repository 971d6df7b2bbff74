/* SPDX-License-Identifier: MIT */
#include "waits.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/sys.h"
#include "stage.h"

/*
 * A sleep that would end by itself after more than this is one that ends for a
 * re-check: deadlines and leases are shorter here.
 */
#define RECHECK_NS (70 * NS_PER_MS)

static struct sys_ops real;
static uint64_t rechecked, yielded;

static bool is_recheck(const struct timespec *until)
{
	uint64_t end =
		(uint64_t)until->tv_sec * NS_PER_S + (uint64_t)until->tv_nsec;

	return end > clock_ns() + RECHECK_NS;
}

static long waitv_until_woken(struct futex_waitv *words, unsigned int count,
			      const struct timespec *until)
{
	return real.waitv(words, count,
			  until && is_recheck(until) ? NULL : until);
}

static long waitv_counted(struct futex_waitv *words, unsigned int count,
			  const struct timespec *until)
{
	bool recheck = until && is_recheck(until);
	long r = real.waitv(words, count, until);

	rechecked += recheck && r < 0 && errno == ETIMEDOUT;
	return r;
}

static void replace(long (*waitv)(struct futex_waitv *, unsigned int,
				  const struct timespec *))
{
	if (!real.waitv)
		real = sys;
	sys.waitv = waitv;
}

void waits_never_recheck(void)
{
	replace(waitv_until_woken);
}

void waits_count(void)
{
	replace(waitv_counted);
}

uint64_t waits_rechecked(void)
{
	return rechecked;
}

/* In libc's place: the library calls it while it waits for a reader. */
int sched_yield(void)
{
	yielded++;
	return (int)syscall(SYS_sched_yield);
}

uint64_t waits_yielded(void)
{
	return yielded;
}
