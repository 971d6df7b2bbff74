/* SPDX-License-Identifier: MIT */
/*
 * The system calls that waiting and time need, behind a table.
 *
 * Nothing else in the library waits or reads a clock. Tests replace entries
 * to deny a call, to count it, or to make time stand still.
 */
#ifndef OS_SYS_H
#define OS_SYS_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* Each call returns >= 0 or a negated errno value, but for waitv. */
struct sys_ops {
	/*
	 * sleeps until one of the words is woken, differs, or `until`. Returns
	 * as syscall(2) does, so that it can end with it; see wait_sleep()
	 */
	long (*waitv)(struct futex_waitv *words, unsigned int count,
		      const struct timespec *until);
	/* the same for one shared word */
	int (*wait)(uint32_t *word, uint32_t value,
		    const struct timespec *until);
	int (*wake)(uint32_t *word, int count);
	uint64_t (*now)(void);    /* CLOCK_MONOTONIC, ns */
	uint64_t (*coarse)(void); /* the same to a few ms, but cheap */
};

extern struct sys_ops sys;

/*
 * Whether sleeps may use several words at once. Probed once per process;
 * sys_force_waitv() overrides the probe (0, 1) or runs it again (-1).
 */
bool sys_has_waitv(void);
void sys_force_waitv(int mode);

#endif
