/* SPDX-License-Identifier: MIT */
/*
 * The futex calls and the clocks, behind a table.
 *
 * Tests replace entries to deny a call, to count it, or to make time stand
 * still. Three things are not in the table: pauses that no wake ends (yields,
 * and those between two polls); wakes on words that are private to the process
 * (polled_wake()); and the clock of the time of day.
 */
#ifndef OS_SYS_H
#define OS_SYS_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define NS_NEVER UINT64_MAX

/*
 * The time `ms` after `from`; NS_NEVER if `ms` is SFSHM_FOREVER, or if the sum
 * does not fit. Used for the end of each time-out, lease and period that a
 * caller chooses, so that no end wraps.
 */
static inline uint64_t ns_after(uint64_t from, uint64_t ms)
{
	uint64_t end;

	if (ms == UINT32_MAX || __builtin_mul_overflow(ms, NS_PER_MS, &end) ||
	    __builtin_add_overflow(from, end, &end))
		return NS_NEVER;
	return end;
}

/* The earlier of two ends of a wait, ns; an end of 0 is no end. */
static inline uint64_t ns_earlier(uint64_t a, uint64_t b)
{
	return !a ? b : !b ? a : a < b ? a : b;
}

struct sys_ops {
	/*
	 * sleeps until one of the words is woken or differs, or until `until`.
	 * Returns as syscall(2) does, so that it can be a tail call; see
	 * wait_sleep()
	 */
	long (*waitv)(struct futex_waitv *words, unsigned int count,
		      const struct timespec *until);
	/* sleeps on one shared word; returns 0 or a negated errno value */
	int (*wait)(uint32_t *word, uint32_t value,
		    const struct timespec *until);
	/* returns how many threads it has woken, or a negated errno value */
	int (*wake)(uint32_t *word, int count);
	uint64_t (*now)(void);    /* CLOCK_MONOTONIC, ns */
	uint64_t (*coarse)(void); /* CLOCK_MONOTONIC_COARSE: off by a few ms */
	uint64_t (*boot)(void);   /* CLOCK_BOOTTIME: counts suspends, too */
};

/*
 * Completes a time of which only the low `bits` are kept: `low`, in units of
 * 2^shift ns. Returns the time, in ns, that is nearest to `now` of all those
 * with these low bits.
 */
static inline uint64_t ns_nearest(uint64_t low, unsigned int bits,
				  unsigned int shift, uint64_t now)
{
	uint64_t unit = now >> shift;
	int64_t ago = (int64_t)((unit - low) << (64 - bits)) >> (64 - bits);

	return (unit - (uint64_t)ago) << shift;
}

extern struct sys_ops sys;

/*
 * Whether a thread can sleep on several words at once. The first call of the
 * process asks the kernel. sys_force_waitv() sets the answer (0, 1), or makes
 * the next call ask again (-1).
 */
bool sys_has_waitv(void);
void sys_force_waitv(int mode);

#endif
