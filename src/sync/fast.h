/* SPDX-License-Identifier: MIT */
/*
 * The usual answers: the key's value is fresh; or no flight of the key is under
 * way and the caller leads; or the caller has waited for a flight that has then
 * been published. In all other cases the caller goes on to flight_begin() or
 * flight_peek(), which look the key up anew.
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
 * As fast_get(), or makes the caller the leader. Returns SFSHM_CACHED,
 * SFSHM_LEADER with *f filled in, or AGAIN: flight_begin() must answer. Of the
 * policy it uses only the fields that a leader needs, and the two flags
 * SFSHM_REFRESH and SFSHM_CANCEL_FIRST.
 */
int fast_begin(struct peer *p, const struct key *k,
	       const struct sfshm_policy *policy, struct flight *f,
	       struct sfshm_result *result);

/*
 * For a follower that has been woken: takes the value of the flight that it
 * waited for, if that flight has been published in the slot where it was seen.
 * The follower need not find the key again, because a slot has each generation
 * only once. False: the follower must look.
 */
bool fast_landed(struct peer *p, const struct sighting *seen,
		 struct sfshm_result *result);

#endif
