/* SPDX-License-Identifier: MIT */
/*
 * The two usual answers: the key is there and its value fresh, or it is there,
 * nobody is at it, and the caller leads. All that is not as plain as that is
 * left to flight_begin(), which knows everything.
 *
 * The look-up here is optimistic: it is in no epoch section, so what it walks
 * over may be in its next life meanwhile, as it may for a reader that was
 * expelled (G3). It reads rubbish at worst, for all slots are always mapped and
 * every index is checked. An answer counts only if the control word that was
 * read before the key was compared stands afterwards: then the slot has been
 * that key's, and in its chain, all the while. Without an answer the look-up is
 * made anew, in a section.
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
