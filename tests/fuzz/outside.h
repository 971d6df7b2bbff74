/* SPDX-License-Identifier: MIT */
/*
 * The world outside the library, so that an input does the same each time and
 * no time is spent asleep: a clock that only moves when it is looked at or
 * slept on, random numbers that are not. Stands in for getrandom(2),
 * clock_nanosleep(2) and, through the library's table, for what it waits with.
 */
#ifndef FUZZ_OUTSIDE_H
#define FUZZ_OUTSIDE_H

#include <stdint.h>

void outside_begin(void);

/* Moves the clock ahead. */
void outside_pass(uint64_t ms);

/* Called instead of each sleep, before the clock moves to its end; or NULL. */
extern void (*outside_asleep)(void);

#endif
