/* SPDX-License-Identifier: MIT */
/*
 * Participants as fibers. Each fiber is a thread: it has a stack, and the
 * library's thread-local words (its section `explore_thread`). Most fibers are
 * the only thread of a process; fiber_join() makes one a thread of another
 * one's process. A process has all of the library's other writable data (its
 * section `explore_private`) and the private heap. They are exchanged when a
 * fiber of another process runs. Their addresses are the same for all, as after
 * fork().
 */
#ifndef EXPLORE_FIBER_H
#define EXPLORE_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIBERS 5
#define FIBER_STACK (96 * 1024)
#define FIBER_STATICS 16384
#define FIBER_HEAP 32768

typedef void (*fiber_fn)(unsigned int fiber);

/* Once, with the library's data as each participant finds it. */
void fiber_init(void);

/* Each fiber's memory is as it was then, and each is its own process. */
void fiber_clear_all(void);

/* Makes the fiber a thread of the process whose first thread is `process`. */
void fiber_join(unsigned int fiber, unsigned int process);
unsigned int fiber_process(unsigned int fiber);

/* Puts `fiber`'s memory in place; what was there is kept for its owner. */
void fiber_load(unsigned int fiber);

/* Each run begins with the fibers' memory as it stands. */
void fiber_keep_all(void);

/* Back to that: no fiber runs, the first `n` will begin with fn(fiber). */
void fiber_reset_all(unsigned int n, fiber_fn fn);

/* A fiber that has ended, or has not begun, is to begin (anew). */
void fiber_restart(unsigned int fiber);

/* The child of a fork: its memory is as `parent`'s is. */
void fiber_copy(unsigned int child, unsigned int parent);

/* Runs `fiber` until it calls fiber_pause(). */
void fiber_run(unsigned int fiber);

/* From within a fiber: back to whoever ran it. */
void fiber_pause(void);

/* The one that is running, or -1 outside of all. */
extern int fiber_current;

/* Whether its process has another thread. */
extern bool fiber_has_company;

/*
 * The hash of what only the fiber looks at: its stack, its thread-local words.
 */
uint64_t fiber_thread_hash(unsigned int fiber);

/* Of the memory that the threads of a process share. */
uint64_t fiber_process_hash(unsigned int process);

/* Of both. */
uint64_t fiber_hash(unsigned int fiber);

/* Where that fiber's copy of the thread-local word `at` is. */
const void *fiber_view(unsigned int fiber, const void *at);

/* The number of a word of the memory of a process; or FIBER_WORDS. */
#define FIBER_WORDS ((FIBER_STATICS + FIBER_HEAP) / 8)
unsigned int fiber_word(const void *at);

#endif
