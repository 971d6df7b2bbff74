/* SPDX-License-Identifier: MIT */
/*
 * Participants: attached threads.
 *
 * A record is taken by pthread_mutex_trylock() on its robust mutex and kept
 * locked for as long as the thread is attached; libc links it into the
 * thread's robust list, so the kernel vouches for the thread's life once, for
 * everything that names the record as its owner.
 *
 * Taking a record whose owner died gives back first what that owner owned:
 * while an incarnation owns anything, no other thread is that record's owner.
 */
#ifndef PEER_PARTICIPANT_H
#define PEER_PARTICIPANT_H

#include "os/process.h"
#include "segment/mapping.h"

#define PEER_LIMBO 16

/* This thread, as attached to one mapping. Private memory. */
struct peer {
	struct mapping *map;
	struct shm_participant *record;
	uint32_t id; /* index + 1: as in control words and tags */
	uint32_t incarnation;
	uint64_t cookie; /* of the process that attached */
	uint64_t life;   /* no other attachment has it */
	uint32_t inside; /* a call uses it while it attaches elsewhere */
	/* where it looks for free granules next: those in slots, others */
	uint32_t inline_cursor, cursor;
	uint64_t freed;   /* granules it has freed */
	uint32_t permits; /* that it holds */
	void *semaphores; /* what it knows of them; see sync/semaphore.h */
	struct robust_head *robust; /* the thread's robust list, or NULL */
	uint64_t ranks;             /* of the locks it holds: bit n is rank n */
	/* slots it has sent out and that wait for their grace period; hints */
	uint32_t limbo[PEER_LIMBO];
	uint32_t limbo_count;
	struct peer *next;
} __attribute__((aligned(SHM_LINE)));

extern __thread struct peer *peer_current;

/*
 * The calling thread's peer for `map`, attached if need be; on success the
 * mapping is referenced for as long as it stays attached. Returns 0, -EUSERS
 * no record free, -ENOSPC, -EBADMSG, or -ENOMEM, also where there is no key to
 * notice the thread's end by: tried again by the next call.
 */
int peer_attach(struct mapping *map, struct peer **out);

/* The peer for `map` if this thread is attached already: the fast path. */
static inline struct peer *peer_if_current(const struct mapping *map)
{
	struct peer *p = peer_current;

	if (likely(p && p->map == map && p->cookie == *process_cookie_word))
		return p;
	return NULL;
}

/*
 * The calling thread's peer that has this life, or NULL: it has left, or is
 * another thread's, or another process's.
 */
struct peer *peer_of_slow(uint64_t life);

static inline struct peer *peer_of(uint64_t life)
{
	struct peer *p = peer_current;

	if (likely(p && p->life == life && p->cookie == *process_cookie_word))
		return p;
	return peer_of_slow(life);
}

/*
 * The calling thread's peer for `map`, or NULL if it is not attached; `serial`
 * is the mapping's, or 0 for whatever mapping is at that address.
 */
struct peer *peer_attached(const struct mapping *map, uint64_t serial);

/*
 * WAIT-6 of peer/wait.h, for what the thread still holds, once it holds no
 * permit here any more.
 */
void peer_rest(void);

/* Some thread of this process is attached to several mappings, or was. */
extern bool peer_several;

/* Detaches the calling thread from `map`, giving back all that it owns. */
void peer_detach(const struct mapping *map);

/*
 * Gives back everything that the record's last owner still owned. Called with
 * the record locked by this thread, acting as that owner. Set once, by the
 * level that knows what can be owned.
 */
typedef void (*peer_sweep_fn)(struct peer *victim, bool died);
extern peer_sweep_fn peer_sweep;

/* If the participant is dead, sweeps and frees its record; true: it did. */
bool peer_reap(struct mapping *map, uint32_t index);

/* Asks the kernel for all, so that deaths it did not mark are marked. */
void peer_examine_all(struct mapping *map);

/* Reaps all the dead; returns how many. */
uint32_t peer_reap_all(struct mapping *map);

/*
 * Takes this process's byte locks again, after a descriptor of the segment's
 * file has been closed, which drops them all.
 */
void peer_relock(struct mapping *map);

/* How many threads wait at the slot. */
uint32_t peer_waiters(const struct mapping *map, uint32_t slot);

/* Adds to one of the thread's own counters. */
static inline void record_count(struct shm_participant *rec, enum shm_counter c)
{
	uint64_t *n = &rec->counters[c];

	store_relaxed(n, load_relaxed(n) + 1);
}

static inline void peer_count(struct peer *p, enum shm_counter c)
{
	record_count(p->record, c);
}

#endif
