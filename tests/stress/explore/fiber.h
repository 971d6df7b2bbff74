/* SPDX-License-Identifier: MIT */
/*
 * Participants as fibers: each has a stack, and memory of its own that stands
 * for a process's. All of the library's writable data (its section
 * `explore_private`, the thread's words among it) and the private heap are
 * exchanged when another fiber runs, so each believes to be a process of one
 * thread. Their addresses are the same for all, as after fork().
 */
#ifndef EXPLORE_FIBER_H
#define EXPLORE_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIBERS 5
#define FIBER_STACK (96 * 1024)
#define FIBER_HEAP 8192

typedef void (*fiber_fn)(unsigned int fiber);

/* Once, with the library's data as each participant finds it. */
void fiber_init(void);

/* Each fiber's memory is as it was then. */
void fiber_clear_all(void);

/* Puts `fiber`'s memory in place; what was there is kept for its owner. */
void fiber_load(unsigned int fiber);

/* Each run begins with the fibers' memory as it stands. */
void fiber_keep_all(void);

/* Back to that: no fiber runs, the first `n` will begin with fn(fiber). */
void fiber_reset_all(unsigned int n, fiber_fn fn);

/* The child of a fork: its memory is as `parent`'s is. */
void fiber_copy(unsigned int child, unsigned int parent);

/* Runs `fiber` until it calls fiber_pause(). */
void fiber_run(unsigned int fiber);

/* From within a fiber: back to whoever ran it. */
void fiber_pause(void);

/* The one that is running, or -1 outside of all. */
extern int fiber_current;

/* Of all that the fiber will ever look at: its stack and its memory. */
uint64_t fiber_hash(unsigned int fiber);

/* `at` of the memory in place, as that fiber has it. */
const void *fiber_view(unsigned int fiber, const void *at);

#endif
