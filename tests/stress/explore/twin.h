/* SPDX-License-Identifier: MIT */
/*
 * Twins of os/process.c and os/sys.c, and the other data of a participant.
 * They are built with the library, so their data is each participant's.
 */
#ifndef EXPLORE_TWIN_H
#define EXPLORE_TWIN_H

#include <stdint.h>

#include "segment/fingerprint.h"
#include "segment/mapping.h"

/* The kernel walks it when the thread dies. Thread-local. */
extern struct robust_head twin_robust;

/* The process's mapping of the segment. */
extern struct mapping twin_map;

/* Once in each process, with its memory in place. */
void twin_start(uint64_t new_cookie, uint64_t ns);

/* Once in each thread. */
void twin_start_thread(void);

/*
 * The thread that a process starts: what it is to run, and whether it still
 * does. Futex word.
 */
void twin_thread(void *(*fn)(void *), void *arg);
void twin_thread_main(void);
extern uint32_t twin_thread_runs;

/* Futex word: whether the process's eventfd is readable. */
extern uint32_t twin_eventfd;

/* A fork's child: its parent's cookie is gone. */
void twin_forked(uint64_t new_cookie, uint64_t ns);

/* Once, before there is any process: what the library sets up once. */
void twin_prepare(void);

#endif
