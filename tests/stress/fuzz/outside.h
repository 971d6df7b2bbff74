/* SPDX-License-Identifier: MIT */
/*
 * The world outside the library: a clock that moves only when the library
 * reads it or sleeps, and numbers that are not random. So an input does the
 * same each time, and no run sleeps. This file stands in for getrandom(2),
 * clock_nanosleep(2) and, through the library's table, for the calls by which
 * it waits.
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
