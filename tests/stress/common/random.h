/* SPDX-License-Identifier: MIT */
/* A cheap generator of random numbers for each process. */
#ifndef STRESS_RANDOM_H
#define STRESS_RANDOM_H

#include <stdint.h>

void random_seed(uint64_t seed);
uint64_t random_next(void);
uint32_t random_below(uint32_t n);

#endif
