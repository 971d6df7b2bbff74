/* SPDX-License-Identifier: MIT */
/*
 * Ranks: a thread takes the ranked locks and permits of a segment in strictly
 * increasing order. The ranks that a thread holds are the bits of one word of
 * its peer.
 */
#ifndef TOP_RANK_H
#define TOP_RANK_H

#include "segment/layout.h"
#include "top/handle.h"

/* A request for a lock or permit, and how to report a wrong rank. */
struct rank_wish {
	enum shm_kind kind;
	const void *key;
	size_t len;
	uint32_t rank;
	bool abort;
	char *why; /* or NULL */
	size_t why_size;
};

/*
 * Checks whether this thread holds a lock or permit of at least this rank, in
 * P's segment or its predecessor. Returns the thread's peer in that segment, or
 * NULL: the thread may take this rank.
 */
struct peer *rank_conflict(struct peer *p, uint32_t rank);

/* Counts and describes the conflict. Returns -EDOM, or aborts. */
int rank_refuse(struct peer *p, const struct rank_wish *w);

/* Notes that P takes the lock or permit at `slot`; rank 0: no rank. */
static inline void rank_note(struct peer *p, uint32_t rank, uint32_t slot)
{
	if (likely(!rank))
		return;
	p->ranks |= UINT64_C(1) << rank;
	p->ranked[rank] = slot;
}

/* Notes that P gives back the lock or permit of that rank. */
static inline void rank_drop(struct peer *p, uint32_t rank)
{
	p->ranks &= ~(UINT64_C(1) << rank);
}

#endif
