/* SPDX-License-Identifier: MIT */
/*
 * Another cache for the example server: a store of values and locks by key.
 * Each worker process has its own connection. A failure ends the worker.
 */
#ifndef BENCH_SERVER_BACKEND_H
#define BENCH_SERVER_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `at` is a folder or a socket. */
void backend_open(const char *at);

/* The value's length, or -1 if there is none. */
long backend_get(const char *key, void *data, size_t room);

void backend_put(const char *key, const void *data, size_t len,
		 uint32_t ttl_ms);

/* True: the caller has the lock. False: it must ask for the value again. */
bool backend_lock(const char *key);
void backend_unlock(const char *key);

_Noreturn void backend_die(const char *what);

#endif
