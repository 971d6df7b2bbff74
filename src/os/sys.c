/* SPDX-License-Identifier: MIT */
#include "os/sys.h"

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/atomics.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static int negated(long r)
{
	return r < 0 ? -errno : (int)r;
}

static on_waking long real_waitv(struct futex_waitv *words, unsigned int count,
				 const struct timespec *until)
{
	return syscall(SYS_futex_waitv, words, count, 0, until,
		       CLOCK_MONOTONIC);
}

/* FUTEX_WAIT_BITSET takes an absolute time, FUTEX_WAIT only a relative one. */
static int real_wait(uint32_t *word, uint32_t value,
		     const struct timespec *until)
{
	return negated(syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, until,
			       NULL, FUTEX_BITSET_MATCH_ANY));
}

static on_waking int real_wake(uint32_t *word, int count)
{
	return negated(
		syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0));
}

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static on_waking uint64_t real_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static on_waking uint64_t real_coarse(void)
{
	return read_clock(CLOCK_MONOTONIC_COARSE);
}

static on_waking uint64_t real_boot(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

struct sys_ops sys = {
	.waitv = real_waitv,
	.wait = real_wait,
	.wake = real_wake,
	.now = real_now,
	.coarse = real_coarse,
	.boot = real_boot,
};

static int waitv_mode = -1;

/*
 * If the call works, it answers EINVAL to an empty list. A kernel without it
 * answers ENOSYS, and a filter that forbids it ENOSYS or EPERM.
 */
bool sys_has_waitv(void)
{
	int mode = load_relaxed(&waitv_mode);

	if (unlikely(mode < 0)) {
		mode = sys.waitv(NULL, 0, NULL) < 0 && errno == EINVAL;
		store_relaxed(&waitv_mode, mode);
	}
	return mode;
}

void sys_force_waitv(int mode)
{
	store_relaxed(&waitv_mode, mode);
}
