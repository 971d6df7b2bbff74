/* SPDX-License-Identifier: MIT */
/*
 * The libc's robust mutexes, as far as they stand in shared memory.
 *
 * A mutex's futex word is found by asking the kernel for the calling thread's
 * robust list while a mutex is held; nothing here knows libc's structs.
 */
#ifndef SEGMENT_FINGERPRINT_H
#define SEGMENT_FINGERPRINT_H

#include <stdbool.h>

#include "segment/layout.h"

/* What get_robust_list(2) returns the address of. */
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
 * processes may do so at once, and again while it is locked: words that are
 * not zero are left alone, and an unlocked mutex's words never change. False:
 * what stands there is no such mutex, and libc must not see it.
 */
bool mutex_prepare(pthread_mutex_t *mutex);

#endif
