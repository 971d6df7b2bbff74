/* SPDX-License-Identifier: MIT */
#ifndef RUN_CLOCK_H
#define RUN_CLOCK_H

#include <stdint.h>

#define NS_PER_MS UINT64_C(1000000)

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_now_ns(void);

/* Milliseconds until `deadline_ns`, rounded up, for poll(); -1 for 0. */
int clock_poll_ms(uint64_t deadline_ns);

#endif
