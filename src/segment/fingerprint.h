/* SPDX-License-Identifier: MIT */
/*
 * The libc's robust mutexes, as they stand in shared memory.
 *
 * locate_word() finds a mutex's futex word: it locks a mutex and asks the
 * kernel for the thread's robust list. Nothing here knows libc's structs.
 */
#ifndef SEGMENT_FINGERPRINT_H
#define SEGMENT_FINGERPRINT_H

#include <stdbool.h>

#include "segment/layout.h"

/* The list's head, whose address get_robust_list(2) returns. */
struct robust_head {
	void *next;
	int64_t futex_offset;
	void *list_op_pending;
};

/* The calling thread's robust list; NULL if it has none. */
struct robust_head *robust_head(void);

/* This libc's fingerprint; 0 or -ENOTSUP where robust mutexes do not work. */
int fingerprint_read(struct shm_fingerprint *out);

/*
 * Makes the zeroed bytes at `mutex` a robust shared mutex. Any number of
 * processes may do so at once, and again while it is locked: this writes only
 * the words that are not zero in an unlocked mutex, only where zeroes stand,
 * and libc never changes those words. Returns false if other bytes stand there;
 * the caller keeps those from libc.
 */
bool mutex_prepare(pthread_mutex_t *mutex);

#endif
