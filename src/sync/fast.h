/* SPDX-License-Identifier: MIT */
/*
 * The two usual answers: the key is there and its value fresh, or it is there,
 * nobody is at it, and the caller leads. All that is not as plain as that is
 * left to flight_begin(), which knows everything and looks the key up anew.
 */
#ifndef SYNC_FAST_H
#define SYNC_FAST_H

#include "sync/flight.h"

/*
 * For a key of at most SHM_INLINE_KEY bytes. True: the value is in the result,
 * and the call is answered.
 */
bool fast_get(struct peer *p, const struct key *k, struct sfshm_result *result);

/*
 * The same, or leads. SFSHM_CACHED, SFSHM_LEADER with *f filled in, or AGAIN:
 * nothing was done. Of the policy only what a leader takes along counts, and
 * SFSHM_REFRESH.
 */
int fast_begin(struct peer *p, const struct key *k,
	       const struct sfshm_policy *policy, struct flight *f,
	       struct sfshm_result *result);

#endif
