/* SPDX-License-Identifier: MIT */
/* Many clients of the example server in one thread. */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stdint.h>

/*
 * Asks for a region's report `total` times, `clients` of them at a time. If
 * `took` is not NULL it gets how long each took, in ns. Exits if one fails.
 */
void http_ask(uint16_t port, const char *region, unsigned int clients,
	      unsigned int total, uint64_t *took);

#endif
