/* SPDX-License-Identifier: MIT */
/*
 * Cancel tokens and deadlines: how a wait is ended from outside.
 */
#ifndef SFSHM_CANCEL_H
#define SFSHM_CANCEL_H

#include <stdint.h>
#include <sfshm/version.h>

SFSHM_BEGIN_DECLS

/*
 * A token that ends waits. It lives in the caller's own memory, must outlive
 * every wait that was given it, and is good for any number of waits and
 * threads of one process. Zero-initialise it.
 */
struct sfshm_cancel {
	uint32_t word;
};

/*
 * Fires the token: every wait that was given it, now or later, returns
 * -ECANCELED. Never blocks; idempotent; safe in threads and in signal
 * handlers. A wait that has its result already returns the result.
 */
void sfshm_cancel_fire(struct sfshm_cancel *token);

/* Makes a fired token usable again. No wait may be using it. */
void sfshm_cancel_reset(struct sfshm_cancel *token);

/*
 * The absolute deadline (CLOCK_MONOTONIC, ns) that lies `ms` milliseconds
 * ahead of now, for the deadline_ns fields. Never 0. Safe everywhere.
 */
uint64_t sfshm_deadline_ms(uint64_t ms);

SFSHM_END_DECLS

#endif
