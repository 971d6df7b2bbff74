/* SPDX-License-Identifier: MIT */
/*
 * Stopping threads of agents where there is no kill point: inside libc and at
 * system calls.
 */
#ifndef LIB_TRACE_H
#define LIB_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Returns the id, as the test sees it, of the thread that has the id `inner` in
 * its own PID namespace.
 */
pid_t trace_find(pid_t process, pid_t inner);

/* Stops a thread where it is. */
void trace_stop(pid_t thread);
void trace_go_on(pid_t thread);

/* Waits until a traced thread has ended; its process cannot end before. */
void trace_ended(pid_t thread);

/*
 * Steps the thread by single instructions until `is_so` is true; fails the test
 * if it never is.
 */
void trace_step_until(pid_t thread, bool (*is_so)(pid_t thread));

/* Runs the thread until it enters, or has come back from, a system call. */
void trace_run_into(pid_t thread, long call);
void trace_run_back(pid_t thread);

/*
 * Returns the address of the word that the thread's list_op_pending names; 0:
 * none.
 */
uint64_t trace_pending_word(pid_t thread);

#endif
