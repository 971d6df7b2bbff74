/* SPDX-License-Identifier: MIT */
/*
 * The run lock. A leader and its keeper hold it from before the command starts
 * until the last of the command's processes is gone. A new leader takes it
 * before it runs anything, so that two runs of a key never overlap.
 *
 * It is an open-file-description lock on one byte, chosen by the key, far
 * behind the end of the segment's file: it costs no file of its own, needs no
 * right that using the segment does not need, is shared over fork, and goes
 * with the last process that has it.
 */
#ifndef RUN_RUNLOCK_H
#define RUN_RUNLOCK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Opens the segment's file for locks. Returns a descriptor, which must stay
 * open for as long as this process uses the segment (closing it would drop
 * the library's own locks), or a negated errno value.
 */
int runlock_open(const char *segment);

/*
 * Waits for the key's lock. Returns 0; -ETIMEDOUT past `deadline_ns`
 * (CLOCK_MONOTONIC; 0: none); -ECANCELED if `wake_fd` became readable; or the
 * system call's error.
 */
int runlock_take(int fd, const void *key, size_t key_len, uint64_t deadline_ns,
		 int wake_fd);

/* Frees the lock for all processes that share it. */
void runlock_drop(int fd, const void *key, size_t key_len);

#endif
