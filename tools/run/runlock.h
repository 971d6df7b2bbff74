/* SPDX-License-Identifier: MIT */
/*
 * The run lock. A leader and its keeper hold it from before the command starts
 * until the run is over: if the run was cut short, until the last of the
 * command's processes is gone. A new leader takes it before it runs anything,
 * so that two runs of a key never overlap.
 *
 * The run lock is an open-file-description lock on one byte far behind the end
 * of the segment's file; the key chooses the byte. It costs no file of its own
 * and needs no right that using the segment does not need. A fork shares it,
 * and the kernel frees it when the last process that has it ends.
 */
#ifndef RUN_RUNLOCK_H
#define RUN_RUNLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Opens the segment's file for locks. Returns a descriptor, which must stay
 * open for as long as this process uses the segment (closing it would drop
 * the library's own locks), or a negated errno value.
 */
int runlock_open(const char *segment);

/*
 * Waits for the key's lock. Several processes may hold it at the same time if
 * each has taken it with `shared`. Returns 0; -ETIMEDOUT past `deadline_ns`
 * (CLOCK_MONOTONIC; 0: none); -ECANCELED if `wake_fd` became readable; or the
 * system call's error.
 */
int runlock_take(int fd, const void *key, size_t key_len, bool shared,
		 uint64_t deadline_ns, int wake_fd);

/* Frees the lock for all processes that share it. */
void runlock_drop(int fd, const void *key, size_t key_len);

#endif
