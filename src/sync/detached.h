/* SPDX-License-Identifier: MIT */
/*
 * The list of this process's flights, locks and permits that are not tied to a
 * thread (SFSHM_DETACHED, SFSHM_LOCK_DETACHED, SFSHM_SEMAPHORE_DETACHED).
 * Private memory. A lock is a flight of its slot, so what is said here of
 * flights holds for locks, too; sync/permit.h says more of permits.
 *
 * Each such flight has an entry, which its struct names by a number in place of
 * its leader's life. The entry lets one thread at a time end the flight (MOVE-1
 * of sync/move.h). It also says for which task the flight was begun, so that a
 * task does not wait for itself, and so that sfshm_release_all() finds the
 * task's flights.
 *
 * An entry's word is its number and its state:
 *
 *   FREE n -> OPEN n     a flight begins; all of the entry is written before
 *   OPEN n -> BUSY n     a thread is about to end the flight
 *   BUSY n -> OPEN n     the thread's call has not ended the flight
 *   BUSY n -> FREE n'    the flight has ended; n' has not been used before
 *
 * The memory of entries is never freed, so a late caller finds another number,
 * and gets -ESTALE. A thread that ends inside a call, without libc's
 * knowledge, leaves its entry BUSY for the life of the process. A forked child
 * frees all entries, because they are the parent's.
 */
#ifndef SYNC_DETACHED_H
#define SYNC_DETACHED_H

#include "sync/flight.h"

/* What an entry says. */
struct detached {
	const void *handle; /* by which the flight was begun */
	uint64_t task;      /* 0: none */
	uint64_t serial;    /* of the mapping */
	uint64_t ctl;       /* the flight's word as it began; for a permit, the
			       semaphore's word */
	uint64_t claim_ctl; /* of the flight on its claim key, or 0 */
	uint32_t slot;
	uint32_t claim_slot;
	uint32_t *word; /* the permit's, else NULL */
	uint32_t name;  /* the permit's word as it should be; 0: it has been
			   given back (PERMIT-2) */
	bool lock;
	bool alone; /* the flight is outside the segment */
};

/* Takes an entry. Returns its number, or 0: there is no memory. */
uint64_t detached_new(void);

/*
 * Makes sure that this thread's next detached_new() succeeds. False: there is
 * no memory.
 */
bool detached_reserve(void);

/* Lists a flight in an entry that was taken for it. */
void detached_open(uint64_t number, const struct detached *d);

/* Lets the caller end the flight. False: it has ended, or is being ended. */
bool detached_claim(uint64_t number);

/*
 * A thread may be cancelled in a check of the policy while it ends a flight. So
 * it notes the entry that it has claimed, until it gives the entry back. A
 * thread that detaches calls detached_drop_end(), which gives back the noted
 * entry, and the free entry that the thread keeps for its next flight.
 */
void detached_note_end(uint64_t number);
void detached_drop_end(void);

/* The caller has claimed the entry. */
void detached_read(uint64_t number, struct detached *d);
void detached_unclaim(uint64_t number);
void detached_free(uint64_t number);

/*
 * Claims the next entry, from *at on, of a flight that was begun by this handle
 * for the task, and copies it. Returns its number, or 0: there is no more.
 */
uint64_t detached_claim_next(const void *handle, uint64_t task, uint32_t *at,
			     struct detached *d);

/*
 * Finds the next permit, from *at on, whose word in that mapping should be
 * `name`. Returns its entry's number, or 0: there is no more. The name may be
 * changed by detached_rename(). Both are called with peer_lock held (PERMIT-2).
 */
uint64_t detached_next_permit(const struct mapping *map, uint32_t name,
			      uint32_t *at, struct detached *d);
void detached_rename(uint64_t number, uint32_t name);

/* Returns the permit's name. Called with peer_lock held. */
uint32_t detached_name(uint64_t number);

/*
 * Returns the task for which flight `gen` at the slot was begun. 0: the flight
 * was begun for no task, or in another process.
 */
uint64_t detached_task(const struct mapping *map, uint32_t slot, uint64_t gen);

/*
 * Whether the task would wait for itself, if it waited at the slot. The edges
 * of the wait-for graph (sync/deadlock.h) are here the flights and the waits of
 * this process's tasks, and a semaphore if one task holds all its permits. The
 * caller has noted its wait. Of the tasks on a circle, the last one to look
 * here finds it.
 */
bool detached_circle(struct mapping *map, uint64_t task, uint32_t slot);

/*
 * Finds the slot, + 1, at which a wait of the task is polled; or 0. top/fork.c
 * sets the pointer. Called with peer_lock held.
 */
extern uint32_t (*detached_polled)(const struct mapping *map, uint64_t task);

/* Frees all entries: they are the parent's. */
void detached_forget(void);

#endif
