/* SPDX-License-Identifier: MIT */
/* Go's singleflight, in a Go program that takes commands over a pipe. */
#ifndef BENCH_SINGLEFLIGHT_H
#define BENCH_SINGLEFLIGHT_H

#include <stdint.h>

/* Starts the Go program. Returns NULL, or why there is none. */
const char *singleflight_start(void);

/* Lets the Go program do `n` calls. Returns the ns that it measured. */
uint64_t singleflight_run(uint64_t n);

void singleflight_stop(void);

#endif
