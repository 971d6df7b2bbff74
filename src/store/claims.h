/* SPDX-License-Identifier: MIT */
/*
 * What a participant owns, noted in its record before it is claimed, so that
 * its reaper need not search. The note may name more than is owned, never
 * less. More claims than fit set `claims_lost`: the reaper then searches.
 */
#ifndef STORE_CLAIMS_H
#define STORE_CLAIMS_H

#include "peer/participant.h"

static inline void claim_note(struct peer *p, uint32_t slot)
{
	struct shm_participant *rec = p->record;

	for (int i = 0; i < SHM_CLAIMS; i++) {
		if (load_relaxed(&rec->claims[i]))
			continue;
		store_relaxed(&rec->claims[i], slot + 1);
		compiler_barrier();
		return;
	}
	store_relaxed(&rec->claims_lost, 1);
	compiler_barrier();
}

static inline void claim_drop(struct peer *p, uint32_t slot)
{
	struct shm_participant *rec = p->record;

	compiler_barrier();
	for (int i = 0; i < SHM_CLAIMS; i++) {
		if (load_relaxed(&rec->claims[i]) != slot + 1)
			continue;
		store_relaxed(&rec->claims[i], 0);
		return;
	}
}

#endif
