/* SPDX-License-Identifier: MIT */
/* Facts about other processes, from /proc. */
#ifndef RUN_PROCESSES_H
#define RUN_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The time at which the process began, in the kernel's ticks; 0: not there. */
unsigned long long process_start(pid_t pid);

/* Whether `pid` is `above`, or one of its children, theirs and so on. */
bool process_descends(pid_t pid, pid_t above);

/*
 * The process's command: the words after "--" if there are any, as with
 * sfshm-run, else all. Cut to fit; empty if the process is not there.
 */
void process_command(pid_t pid, char *text, size_t size);

/* The inode of this process's PID namespace, or 0. */
uint64_t process_pid_ns(void);

#endif
