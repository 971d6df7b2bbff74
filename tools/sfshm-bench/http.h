/* SPDX-License-Identifier: MIT */
/* Many clients of the example server in one thread. */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stdint.h>

/*
 * Asks for a region's report `total` times, with `clients` requests at a time.
 * If `took` is not NULL, stores there how long each request took, in ns. Exits
 * if a request fails.
 */
void http_ask(uint16_t port, const char *region, unsigned int clients,
	      unsigned int total, uint64_t *took);

#endif
