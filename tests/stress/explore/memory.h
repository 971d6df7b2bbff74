/* SPDX-License-Identifier: MIT */
/*
 * The segment's memory: sequentially consistent, or as weak as C11 allows it
 * (weak.h). In the weak mode a load may find an older value, which costs 1 of
 * the budget.
 */
#ifndef EXPLORE_MEMORY_H
#define EXPLORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access.h"

/* Chosen before the first run. */
extern bool memory_weak;

/* At the start of a run; at that of a forked child. */
void memory_reset(void);
void memory_fork(unsigned int child, unsigned int parent);

/*
 * The fiber goes on. The memory of a process is not weak: a thread sees all
 * that the others of its process did.
 */
void memory_meet(unsigned int fiber);

/* By the thread `fiber`; where all is quiet, by nobody in particular. */
uint64_t memory_load(unsigned int fiber, const void *at, size_t size,
		     int order);
void memory_store(unsigned int fiber, void *at, size_t size, uint64_t value,
		  int order);
bool memory_cas(unsigned int fiber, void *at, size_t size, uint64_t old,
		uint64_t next, int order);
uint64_t memory_rmw(unsigned int fiber, void *at, size_t size,
		    enum access_rmw how, uint64_t operand, int order);
void memory_fence(unsigned int fiber, int order);

#endif
