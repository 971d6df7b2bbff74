/* SPDX-License-Identifier: MIT */
/*
 * Cancel tokens and deadlines: two ways to end a wait from outside.
 */
#ifndef SFSHM_CANCEL_H
#define SFSHM_CANCEL_H

#include <stdint.h>
#include <sfshm/version.h>

SFSHM_BEGIN_DECLS

/*
 * A cancel token. The caller zero-initialises it in its own memory and passes
 * it to any number of waits, in any threads of one process. It must outlive
 * them all.
 */
struct sfshm_cancel {
	uint32_t word;
	uint32_t reserved[3];
};

/*
 * Fires the token: every present and later wait with this token returns
 * -ECANCELED. A wait that already has its result returns the result. A leader
 * at work is not disturbed. Idempotent. Never blocks; safe in threads and in
 * signal handlers. After fork the child's copy is a token of its own.
 */
void sfshm_cancel_fire(struct sfshm_cancel *token);

/*
 * Makes a fired token usable again. The caller ensures that no wait uses the
 * token meanwhile. Never blocks.
 */
void sfshm_cancel_reset(struct sfshm_cancel *token);

/*
 * Returns the absolute time (CLOCK_MONOTONIC, ns) `ms` milliseconds from now,
 * for the deadline_ns fields. Never returns 0. For SFSHM_FOREVER, or a time
 * past the clock's range, returns UINT64_MAX: a deadline that never comes.
 * Never blocks; safe in threads, after fork and in signal handlers.
 */
uint64_t sfshm_deadline_ms(uint64_t ms);

SFSHM_END_DECLS

#endif
