/* SPDX-License-Identifier: MIT */
/*
 * How this libc lays out a robust mutex in memory.
 *
 * Nothing here knows libc's structs. To find a mutex's futex word,
 * locate_word() locks a mutex and asks the kernel for the thread's robust list.
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

/*
 * Fills in this libc's fingerprint. Returns 0, -ENOSYS if robust mutexes do not
 * work, or the error of a pthread function.
 */
int fingerprint_read(struct shm_fingerprint *out);

/*
 * Makes the zeroed bytes at `mutex` a robust shared mutex. Any number of
 * processes may do so at once, and again while the mutex is locked: the
 * function writes only words that are 0 here but not in a new mutex, and libc
 * never changes such words. Returns false if such a word has neither value: the
 * caller must not pass that mutex to libc.
 */
bool mutex_prepare(pthread_mutex_t *mutex);

#endif
