/* SPDX-License-Identifier: MIT */
/*
 * Weak memory: what each load may return by the rules of C11, as repaired in
 * C++20 (Lahav et al., "Repairing sequential consistency in C/C++11", 2017;
 * P0668), for programs that one thread of control runs step by step.
 *
 * The caller decides which thread takes the next step; a load that several
 * stores may serve asks weak_choose() which. All outcomes that the rules allow
 * are reached that way, and no others, but for two:
 *
 *  - Load buffering: a step reads only what an earlier step stored.
 *  - A store that takes effect before an earlier step's store to the same
 *    word (the tests S and 2+2W) is reached if weak_stores_anywhere is set.
 *
 * A release sequence is C++20's: a chain of read-modify-writes. Later plain
 * stores of the same thread do not continue it.
 *
 * The newest value of each word stands in real memory. A word that was never
 * stored has the value that stands there. Words are naturally aligned, of 1, 2,
 * 4 or 8 bytes. Where the size of accesses changes, a new word begins: nobody
 * reads older values there, but what stores released there is still acquired.
 * A store that went past the engine, and a run that is too long, end the
 * program with a message.
 */
#ifndef EXPLORE_WEAK_H
#define EXPLORE_WEAK_H

#include <stdbool.h>
#include <stdint.h>

#define WEAK_THREADS 8

/* Forgets all stores, threads and words. */
void weak_reset(void);

/* `order` is one of __ATOMIC_*. */
uint64_t weak_load(unsigned int thread, const void *at, unsigned int size,
		   int order);
void weak_store(unsigned int thread, void *at, unsigned int size,
		uint64_t value, int order);

/* `seen` may be NULL; it gets the value that was found, also on success. */
bool weak_cas(unsigned int thread, void *at, unsigned int size, uint64_t old,
	      uint64_t new, int order, int order_fail, uint64_t *seen);

/* These return the value that was there before. */
uint64_t weak_add(unsigned int thread, void *at, unsigned int size,
		  uint64_t operand, int order);
uint64_t weak_or(unsigned int thread, void *at, unsigned int size,
		 uint64_t operand, int order);

void weak_fence(unsigned int thread, int order);

/* `thread` sees all that `other` did: at its start, at a join. */
void weak_join(unsigned int thread, unsigned int other);

/*
 * A hash of all that decides what the threads of `alive`, a bit each, can come
 * to read: runs that are the same but for the order of steps that commute have
 * the same.
 */
uint64_t weak_hash(unsigned int alive);

/*
 * Chooses one of `n` stores, 0 being the newest; asked only if n > 1. NULL: it
 * is always the newest, which is sequential consistency and costs least.
 */
extern unsigned int (*weak_choose)(unsigned int n);

/*
 * Stores and read-modify-writes, too, choose their place among the stores of
 * their word; 0 is behind all of them.
 */
extern bool weak_stores_anywhere;

#endif
