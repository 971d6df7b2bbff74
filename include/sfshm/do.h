/* SPDX-License-Identifier: MIT */
/*
 * sfshm_do(): claim, run the work under a guard, publish, or ride along.
 */
#ifndef SFSHM_DO_H
#define SFSHM_DO_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/*
 * The work. It runs in the calling thread, at most once per call and in one
 * process at a time per key, and ends its flight with sfshm_publish(),
 * sfshm_publishv(), sfshm_fail() or sfshm_release(), then returns 0. If it
 * returns a negated errno value (-1 to -4095) with the flight not ended, the
 * flight fails with that code; if it returns any other number with the flight
 * not ended, it fails with -EPROTO. It may be cancelled, may call pthread_exit(), may be
 * killed: the flight is released and one of those who wait takes over. It must
 * not leave by longjmp(): end the flight first.
 */
typedef int (*sfshm_work_fn)(struct sfshm_flight *flight, void *arg);

/*
 * Gets the value of `key`, running `work(flight, arg)` if nobody has it fresh
 * and nobody else is at it. Returns SFSHM_CACHED, SFSHM_AWAITED or
 * SFSHM_COMPUTED with the value in *result, or an error as sfshm_begin(); the
 * failed run's leader and its followers get the same answer. A leader whose
 * flight was taken from it gets -ESTALE; one that released it, -ECANCELED.
 *
 * Blocks for the work or for another's. Thread-safe, not for signal handlers.
 * In a forked child: -ECHILD. The idea: Go's singleflight.Do.
 */
int sfshm_do(struct sfshm *handle, const void *key, size_t key_len,
	     const struct sfshm_policy *policy, sfshm_work_fn work, void *arg,
	     struct sfshm_result *result) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
