/* SPDX-License-Identifier: MIT */
/*
 * Participants: attached threads.
 *
 * A thread takes a record by pthread_mutex_trylock() on the record's robust
 * mutex, and keeps the mutex locked for as long as it is attached. libc links
 * the mutex into the thread's robust list. So the kernel reports the thread's
 * death in one place, for everything that names the record as its owner.
 *
 * A thread that takes a dead owner's record first gives back what that owner
 * owned: a record gets no new owner while the last one still owns anything.
 */
#ifndef PEER_PARTICIPANT_H
#define PEER_PARTICIPANT_H

#include "os/process.h"
#include "os/sys.h"
#include "segment/mapping.h"

#define PEER_LIMBO 16

#define PEER_RUNS 8

/* Neighbouring granules that were free; see store/scan.h. */
struct peer_run {
	uint32_t first, count;
};

/* This thread, as attached to one mapping. Private memory. */
struct peer {
	struct mapping *map;
	struct shm_participant *record;
	uint32_t id; /* index + 1: as in control words and tags */
	uint32_t incarnation;
	uint64_t cookie; /* of the process that attached */
	uint64_t life;   /* no other attachment has it; bit 63 is set */
	uint64_t born;   /* its first life */
	uint64_t task;   /* `task` (sfshm/flight.h) of its last waiting call */
	uint64_t tick;   /* the coarse clock's time when it read `boot` */
	uint64_t boot;   /* the clock of lifetimes; see peer_clock() */
	/* when the thread last noted an eviction in the history, and how many
	   keys it has evicted since; see store/history.h */
	uint64_t evicted_noted;
	uint32_t evicted;
	int32_t dead_pid; /* a reaper's: the process of the dead owner */
	uint64_t ending;  /* hash, and << 32 the key_tag, of the slot whose
			     flight it is about to end */
	uint64_t took;    /* ns: how long the work for its last result ran */
	uint32_t inside;  /* calls that keep this peer while they use another */
	/* where it next looks for free granules: inside slots; outside slots,
	   where granules were freed last; and elsewhere outside slots */
	uint32_t inline_cursor, cursor, roaming;
	uint32_t permits; /* permits it holds, without those in `lent` */
	uint64_t freed;   /* granules it has freed */
	/* its next place in the probation ring, and how many it has left */
	uint32_t ring_at, ring_left;
	void *semaphores; /* semaphores it knows; see sync/semaphore.h */
	struct robust_head *robust; /* the thread's robust list, or NULL */
	uint64_t ranks;             /* bit n: it holds something of rank n */
	uint32_t ranked[64];        /* by rank: the slot of that thing */
	/* hints: slots that it has retired, or met retired, and that wait for
	   their grace period; see store/limbo.h */
	uint32_t limbo[PEER_LIMBO];
	uint64_t examined; /* ns: when it last examined a leader without having
			      slept */
	uint32_t robbed;   /* 1: one of its flights was stolen (MOVE-6) */
	/* `lent`: how many permits of the process (sync/permit.h) the record
	   holds. `surplus`: 1 if another thread has given one of them back
	   (PERMIT-5) */
	uint32_t lent, surplus;
	struct peer *next;
	struct peer *next_here; /* of the process's peers */
	uint32_t limbo_count;
	struct peer_run runs[PEER_RUNS];
} __attribute__((aligned(SHM_LINE)));

extern __thread struct peer *peer_current;

/*
 * Notes that the thread is in a call. The thread does so when it reads the
 * clock of lifetimes anew, and when it extends a lease. So calls that look for
 * a value, or that publish or fail, are noted once at each tick of the coarse
 * clock; most hits do not write the note. Only views (sfshm/inspect.h) read it.
 */
static inline void peer_note_active(struct peer *p, uint64_t now)
{
	store_relaxed(&p->record->active, now);
}

/*
 * The time by which results age, ns: CLOCK_BOOTTIME, so that they age while the
 * host is suspended. Of a policy's times only ttl_ms, neg_ttl_ms, grace_ms and
 * stale_if_error_ms count by this clock. Deadlines, breakers and the leases of
 * leaders count by CLOCK_MONOTONIC: otherwise each leader would be past its
 * lease when the host resumes.
 *
 * CLOCK_BOOTTIME has no coarse variant. So the thread reads it once at each
 * tick of the coarse clock, and keeps that time until the next tick. `coarse`
 * is the coarse clock's time now. The result is never ahead of the true time,
 * and lags it no more than the coarse clock does; but it may be behind what
 * another thread has read in the same tick.
 */
static force_inline uint64_t peer_clock(struct peer *p, uint64_t coarse)
{
	if (unlikely(p->tick != coarse)) {
		p->tick = coarse;
		peer_note_active(p, coarse);
		p->boot = sys.boot();
	}
	return p->boot;
}

/*
 * Finds the calling thread's peer for `map`, or attaches the thread. The peer
 * holds a reference to the mapping for as long as it is attached. Returns 0;
 * -EUSERS if no record is free; the error of reserve_range() if that cannot
 * back more records; or -ENOMEM, also if libc has no thread-specific key left:
 * then the next call tries again.
 */
int peer_attach(struct mapping *map, struct peer **out);

/* The peer for `map`, if it is the thread's current one: the fast path. */
static inline struct peer *peer_if_current(const struct mapping *map)
{
	struct peer *p = peer_current;

	if (likely(p && p->map == map && p->cookie == process_cookie_seen()))
		return p;
	return NULL;
}

/*
 * The calling thread's peer that has this life, or NULL if that peer has
 * detached, or belongs to another thread or process.
 */
struct peer *peer_of_slow(uint64_t life);

static inline struct peer *peer_of(uint64_t life)
{
	struct peer *p = peer_current;

	if (likely(p && p->life == life && p->cookie == process_cookie_seen()))
		return p;
	return peer_of_slow(life);
}

/*
 * The calling thread's peer for `map`, or NULL if the thread is not attached.
 * `serial` is the mapping's, or 0 for any mapping at that address.
 */
struct peer *peer_attached(const struct mapping *map, uint64_t serial);

/*
 * The peers of all threads of this process, guarded by peer_lock. A peer of a
 * thread that has ended without libc's knowledge stays in the list: its record
 * is dead.
 */
extern struct peer *peer_list;
extern pthread_mutex_t peer_lock;

/* Whether a thread of this process has this life. */
bool peer_lives(uint64_t life);

/*
 * Gives the thread's peer a new life. Flights, locks and permits that name the
 * old one are void.
 */
void peer_renew(struct peer *p);

/* peer_of() by the peer's first life. */
struct peer *peer_of_birth(uint64_t born);

/*
 * Called after the thread gave back its last permit in one segment, or detached
 * from one: lets list_op_pending rest at a segment where the thread still holds
 * a permit, or nowhere (WAIT-6 of peer/wait.h).
 */
void peer_rest(void);

/* Called in a forked child: none of the parent's mutexes is the child's. */
void peer_forget_mutexes(void);

/* Whether a thread of this process is, or was, attached to several mappings. */
extern bool peer_several;

/* Detaches the calling thread from `map`, giving back all that it owns. */
void peer_detach(const struct mapping *map);

/*
 * Gives back everything that the record's last owner still owned. The caller
 * has the record locked, and acts as that owner. top/fork.c sets the pointer,
 * because this level does not know what can be owned.
 */
typedef void (*peer_sweep_fn)(struct peer *victim, bool died);
extern peer_sweep_fn peer_sweep;

/*
 * Whether the thread of P owns something that its record notes in `owned`. Its
 * own thread asks, between claims. top/fork.c sets the pointer.
 */
typedef bool (*peer_owns_fn)(const struct peer *p);
extern peer_owns_fn peer_owns;

/* Sweeps and frees a record if its owner is dead; true if it did. */
bool peer_reap(struct mapping *map, uint32_t index);

/*
 * Asks the kernel about all participants, and ends the incarnations of the dead
 * that the kernel did not mark. Opens the doors of dead processes.
 */
void peer_examine_all(struct mapping *map);

/* Reaps all dead participants; returns how many. */
uint32_t peer_reap_all(struct mapping *map);

/*
 * Takes this process's byte locks again, after the close of a descriptor of the
 * segment's file has dropped them all.
 */
void peer_relock(struct mapping *map);

/* How many wait at the slot: threads that sleep, and waits that are polled. */
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
