/* SPDX-License-Identifier: MIT */
/*
 * The instrumented library calls these instead of operating on memory. Only
 * the segment is of interest, and the memory of a process that has several
 * threads: whatever else a thread touches is its own, and such an operation is
 * carried out at once, without a point (a place at which the schedule may
 * choose).
 *
 * `where` names the place in the source; a string that lasts.
 */
#ifndef EXPLORE_ACCESS_H
#define EXPLORE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum access_rmw {
	ACCESS_ADD,
	ACCESS_SUB,
	ACCESS_OR,
};

uint64_t access_load(const void *at, size_t size, int order, const char *where);
void access_store(void *at, size_t size, uint64_t value, int order,
		  const char *where);
bool access_cas(void *at, size_t size, uint64_t old, uint64_t next, int order,
		const char *where);
/* Returns the old value. */
uint64_t access_rmw(void *at, size_t size, enum access_rmw how,
		    uint64_t operand, int order, const char *where);
void access_fence(int order);

/* For the virtual kernel and libc: without a point, seen by hash and oracle. */
void access_kernel_mark(unsigned int fiber, uint32_t *at, uint32_t value);
void access_plain(uint32_t *at, uint32_t value);
uint32_t access_swap(uint32_t *at, uint32_t value);

/* Word by word, each a relaxed access of its own with a point before it. */
void access_copy(void *to, const void *from, size_t n, const char *where);

#endif
