/* SPDX-License-Identifier: MIT */
/*
 * Stops threads of agents where there is no kill point: inside libc and at
 * system calls.
 */
#ifndef LIB_TRACE_H
#define LIB_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The thread that has that id in its own PID namespace, as the test sees it. */
pid_t trace_find(pid_t process, pid_t inner);

/* Stops a thread; it goes on where it was. */
void trace_stop(pid_t thread);
void trace_go_on(pid_t thread);

/* Waits for the end of a thread that is traced, which its process waits for. */
void trace_ended(pid_t thread);

/* Goes on by single instructions until it is so; fails the test if never. */
void trace_step_until(pid_t thread, bool (*is_so)(pid_t thread));

/* Goes on until the thread enters, or has come back from, a system call. */
void trace_run_into(pid_t thread, long call);
void trace_run_back(pid_t thread);

/* Where the word lies that its list_op_pending names; 0: nowhere. */
uint64_t trace_pending_word(pid_t thread);

#endif
