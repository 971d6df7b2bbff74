/* SPDX-License-Identifier: MIT */
/*
 * The usual answers: the key is there and its value fresh, or it is there,
 * nobody is at it, and the caller leads; or the caller has waited, and its
 * flight has landed. All that is not as plain as that is left to flight_begin(),
 * which knows everything and looks the key up anew.
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

/*
 * For a follower that has been woken: the value of the flight that it waited
 * for, if that has landed in the slot where it was seen. The key need not be
 * found again, for a slot has each generation once. False says nothing.
 */
bool fast_landed(struct peer *p, const struct sighting *seen,
		 struct sfshm_result *result);

#endif
