/* SPDX-License-Identifier: MIT */
/*
 * The virtual kernel and libc: futexes, robust mutexes in the steps that they
 * have (pending, word, list, clear), thread numbers in PID namespaces, byte
 * locks, the clock.
 */
#ifndef EXPLORE_KERNEL_H
#define EXPLORE_KERNEL_H

#include "redirect.h"
#include "world.h"

/* The running fiber's thread. */
struct task *kernel_self(void);

/*
 * Wakes up to `most` that sleep on the word, in the order in which they came.
 * Returns how many.
 */
int kernel_wake(const uint32_t *word, int most);

/*
 * Sleeps on words while each is as `seen` says, until that time in ns (0: no
 * end); answers as futex_waitv(2).
 */
int kernel_sleep(uint32_t *const *words, const uint32_t *seen,
		 unsigned int count, uint64_t until);

/*
 * The thread dies: marks its mutexes, wakes one sleeper for each, and frees its
 * number. The byte locks of a process go with its last thread.
 */
void kernel_death(unsigned int fiber);

/* A child begins, with a copy of the caller's memory. */
void kernel_fork(unsigned int child);

/* Those asleep whose time has come are ready. */
void kernel_time(uint64_t now);

/* When the first of those asleep wakes by its time; 0: nobody does. */
uint64_t kernel_next_time(void);

bool kernel_thread_gone(pid_t pid, pid_t tid);

#endif
