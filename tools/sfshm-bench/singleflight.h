/* SPDX-License-Identifier: MIT */
/* Go's singleflight, in a Go program that is driven over two pipes. */
#ifndef BENCH_SINGLEFLIGHT_H
#define BENCH_SINGLEFLIGHT_H

#include <stdint.h>

/* Returns NULL, or why there is none. */
const char *singleflight_start(void);

/* Has it do `n` calls, returns the ns they took by its own clock. */
uint64_t singleflight_run(uint64_t n);

void singleflight_stop(void);

#endif
