/* SPDX-License-Identifier: MIT */
/*
 * Counting semaphores that do not leak.
 *
 * A semaphore is a slot of kind SHM_SEMAPHORE, whose key is the semaphore's
 * name. A flight makes the semaphore: the value that the flight publishes holds
 * the permits, as a head (struct shm_semaphore) and an array of words. No later
 * flight replaces that value, and no evictor removes it. So once the slot is
 * DONE, its control word changes only when a remover retires the slot. Until
 * then a caller that has found the slot need not look the name up again.
 *
 * A permit is one word: 0 while the permit is free, else the name of its
 * holder. No count is kept that could be wrong: the held permits are the words
 * that are not 0.
 *
 *  SEMAPHORE-1. A taker sets a word by one CAS from 0 to its own name, and only
 *      while its record notes the semaphore's slot, once for each permit. Only
 *      the holder, or the reaper of a dead holder, sets the word back to 0; or,
 *      for a permit of a process, another of its threads (sync/permit.h). So a
 *      dead holder leaves nothing but words that name it, in semaphores that
 *      its record names.
 *  SEMAPHORE-2. Let f(n) be n plus the number of held words from n on, and let
 *      L be the largest n for which f(n) <= max (0 if there is none). A taker
 *
 *        reads max, then top and the words that it needs to know L; takes a
 *        free word below L; reads max again.
 *
 *      If max, which also counts its own changes, is the same, the taker has
 *      the permit. Else the taker works L out anew, and gives the word back
 *      unless the word is below the new L.
 *  SEMAPHORE-3. So at most max permits are held; after max was lowered, no more
 *      than before, until enough holders have left. The proof: of the takers
 *      under the present max, let M be the one that has used the largest L. The
 *      words of all these takers are below that L, so these are at most L
 *      words. A held word at L or above was therefore taken under an earlier
 *      max, and has been held since. M read the words after max had been
 *      changed, so it has counted that word (ORDER-V1, ORDER-V2). Together the
 *      held words are at most f(L), which is at most max. Conversely, while
 *      fewer than max permits are held, a word below L is free. For f grows by
 *      one at most from word to word, so f(L) is exactly max, which is more
 *      than the held words. But f(L) counts the held words from L on, and all
 *      words below L; so some word below L is not held.
 *  SEMAPHORE-4. No word from `top` on was ever taken, because a taker raises
 *      `top` first. So while top <= max, which is nearly always, L is max, and
 *      a taker reads no words to find L.
 *  SEMAPHORE-5. A thread that sleeps for a permit has announced itself at the
 *      slot's event (ORDER-E1) and found no permit free after that. A thread
 *      that sets a word back, or changes max, does so before it looks for
 *      waiters (ORDER-E2). A release wakes one waiter. A woken waiter that is
 *      to leave, for whatever reason, tries for a permit once more before that;
 *      or, if its token ends the call first, it passes the wake on. A sweep and
 *      a change of max wake all waiters.
 *      A wait that parks (ACQUIRE_PARKS: an event loop polls it) is announced
 *      in the same way, but each wake reaches all waits that are polled, and a
 *      sleeper besides (POLLED-2). So a loop that is told and does nothing
 *      takes no wake from anybody, and a parked wait that is to leave has none
 *      to pass on. If a thread that has set a word back stops or dies before
 *      its wake, the watcher (top/polling.h) finds the free permit: at once if
 *      it sleeps on that thread's word, else at the end of its slice. In the
 *      same way it finds that a holder is dead: semaphore_dead() differs from
 *      what the call has seen.
 *
 *  SEMAPHORE-6. `bypassed` is 0, or 1 plus the number of permits that callers
 *      took past the waiters, without having waited:
 *
 *        a waiter is about to sleep, or parks   0 becomes 1
 *        a caller that has not waited takes     +1, unless it is 0, or above
 *          a permit                             SEMAPHORE_BYPASSES
 *        a waiter takes a permit                1 if there may be more
 *                                               waiters, else 0
 *        a caller that has deferred, or found   0, so that a stopped waiter
 *          no waiters to defer to, takes one    delays others only once
 *
 *      While `bypassed` is above SEMAPHORE_BYPASSES, and there are waiters, a
 *      caller that may wait defers to them: before it tries, it sleeps as a
 *      waiter, or parks, for SEMAPHORE_DEFER_NS at most. `bypassed` is a hint:
 *      of two changes at the same time one may be lost; and if the waiters have
 *      gone, the next caller looks at the records once for nothing.
 *
 *  SEMAPHORE-7. A remover closes the semaphore, finds no permit held and nobody
 *      waiting, and then removes the semaphore. Closing and removing are one
 *      CAS of max each:
 *
 *        open -> closing -> removed      or      closing -> open
 *
 *      A caller that meets a closing semaphore opens it again, so nobody waits
 *      for a remover. A taker looks at max after it has taken a word. If the
 *      semaphore is open, the taker has the permit, and a remover that closes
 *      the semaphore later finds the word (ORDER-V1, ORDER-V2). If it is
 *      closing, the taker opens it, and the remover's second CAS fails. If it
 *      is removed, the taker gives the word back. A caller that meets a removed
 *      semaphore retires its slot, and looks the name up anew.
 *  SEMAPHORE-8. A thread writes to the semaphore's memory only after it has
 *      noted the slot in its record, as owned or as waited at, and has then
 *      seen the slot DONE (ORDER-V3). No participant frees a removed semaphore
 *      while a record notes its slot (ORDER-V4). So a taker may stop anywhere,
 *      for any time. A thread that owns more slots than its record can note
 *      keeps all removed semaphores from being freed until it detaches.
 *
 * How each death is repaired:
 *
 *   a holder, in its work     its words name it. The kernel marks its record,
 *                             and wakes one thread that sleeps on that mark
 *                             and one that sleeps on the segment's relay word
 *                             (WAIT-6); the woken thread reaps: it sweeps and
 *                             wakes all
 *   a holder that owns more   `owned_overflow` is set: the sweep looks at all
 *     slots than its record   slots
 *     can note
 *   a taker with the slot     the sweep drops the note
 *     noted, no word taken
 *   a taker with a word that  as a holder; until the sweep others can take
 *     it may not keep         fewer permits, but never more
 *   a holder with its word    its record still notes the slot, so the reaper
 *     set back and no waiter  treats it as a holder: it finds no word to set
 *     woken                   back, and wakes all
 *   a caller with max changed the same: that caller has noted the slot, and
 *     and no waiter woken     its death wakes a waiter (WAIT-6)
 *   a remover, the semaphore  the next taker opens it
 *     closing
 *   a remover, the semaphore  the next caller of that name retires the slot
 *     removed
 *   a process with polled     its notes are swept; nobody waits for it
 *     waits, told or not
 *   a sleeper, woken or not   the kernel wakes the next sleeper (WAIT-2); the
 *                             reaper wakes the waiters of the slot that the
 *                             dead sleeper's record names
 *   a reaper, half-way        the record is still marked: the next reaper
 *                             sweeps again, finds words that are 0 already,
 *                             and wakes all again
 *   the semaphore's maker     as the leader of any flight; the next caller
 *                             makes the semaphore
 *
 * While the segment is being replaced (top/succession.h), each permit has a
 * word in both segments, and is held if either word is. Nobody takes a permit
 * in the predecessor any more: a taker looks at `moved` after its CAS
 * (ORDER-M2). In the successor a taker takes a word only if the permit's word
 * in the predecessor is 0. So the two segments together obey SEMAPHORE-3. A
 * parked wait is noted and announced in the successor only. While permits are
 * held in the predecessor, its call looks again after each slice.
 */
#ifndef SYNC_SEMAPHORE_H
#define SYNC_SEMAPHORE_H

#include "peer/wait.h"
#include "sync/flight.h"

/* A semaphore's value is the head, and one granule for each 16 words. */
#define SEMAPHORE_WORDS_PER_GRANULE (SHM_GRANULE / sizeof(uint32_t))
#define SEMAPHORE_GRANULES (1 + SHM_PERMITS / SEMAPHORE_WORDS_PER_GRANULE)
#define SEMAPHORE_BYTES (SEMAPHORE_GRANULES * SHM_GRANULE)

#define SEMAPHORE_BYPASSES 16
#define SEMAPHORE_DEFER_NS (2 * NS_PER_MS)

/* The lower half of `max`; the upper half counts the changes. */
#define SEMAPHORE_MAX UINT64_C(0x3fffffff)
#define SEMAPHORE_CLOSING (UINT64_C(1) << 31)
#define SEMAPHORE_REMOVED (UINT64_C(1) << 30)

/* A semaphore as it was found. */
struct semaphore {
	struct mapping *map;
	uint64_t ctl;
	uint32_t slot;
	void *granule[SEMAPHORE_GRANULES]; /* of its value, in order */
	struct semaphore *before; /* in the segment's predecessor, or NULL */
};

/*
 * A cache of names that have been looked up, each with the word to try first.
 */
#define SEMAPHORE_NAME 40
#define SEMAPHORE_CACHED 4
struct semaphore_cache {
	uint32_t next;
	struct semaphore_known {
		struct semaphore s;
		uint32_t len; /* 0: nothing here */
		uint32_t hint;
		uint8_t name[SEMAPHORE_NAME];
	} known[SEMAPHORE_CACHED];
};

/* Whether the slot still is as it was found. */
static inline bool semaphore_stands(const struct semaphore *s)
{
	return load_acquire(&s->map->slots[s->slot].ctl) == s->ctl;
}

/*
 * For a caller that has noted the slot. True: the semaphore's memory stays for
 * as long as the note does (SEMAPHORE-8). False: the semaphore has been
 * removed.
 *
 * ORDER-V3 pairs ORDER-V4
 * The caller notes the slot before it looks at the control word.
 */
static inline bool semaphore_stays(const struct semaphore *s)
{
	fence_seq();
	return semaphore_stands(s);
}

/* Looks a name up. Returns 1, 0 (there is none yet), or -EBADMSG. */
int semaphore_find(struct peer *p, const struct key *k, struct semaphore *s);

/* Fills in `head` and `iov`, the value of a new semaphore. */
void semaphore_fresh(struct shm_semaphore *head, uint32_t max,
		     struct iovec iov[2]);

uint32_t semaphore_max(const struct semaphore *s);

/*
 * Takes a permit, looking at word *hint first. Returns 0 with the word's number
 * in *hint, -EBUSY (none is free), or MOVED: look the name up again.
 */
int semaphore_take(struct peer *p, const struct semaphore *s, uint32_t *hint);

/* The word of permit `i`. */
uint32_t *semaphore_word(const struct semaphore *s, uint32_t i);

/* Gives the permit at `word` back. Returns 0, or -EBADMSG: it is not P's. */
int semaphore_give_back(struct peer *p, uint32_t slot, uint32_t *word);

/*
 * Wakes a waiter, and drops P's note of the slot: P has set a permit's word
 * back.
 */
void semaphore_freed(struct peer *p, uint32_t slot);

/* Changes the maximum. Returns 0 or MOVED. */
int semaphore_set_max(struct peer *p, const struct semaphore *s, uint32_t max);

/*
 * Removes the semaphore. Returns 0; -EBUSY: a permit is held, or a caller waits
 * or tries at this moment; or MOVED: look the name up again.
 */
int semaphore_remove(struct peer *p, const struct semaphore *s);

/* What a call for a permit does if none is free. */
enum acquire_how {
	ACQUIRE_SLEEPS,
	ACQUIRE_TRIES,
	ACQUIRE_PARKS, /* as CALL_PARKS (sync/call.h) */
};

/* A call that wants a permit. */
struct acquire {
	struct peer *self;
	const struct semaphore *s;
	struct sfshm_cancel *cancel;
	struct sfshm_cancel *first; /* the same, if it ends the call even when a
				       permit is free; or NULL */
	uint32_t *closing;
	uint32_t closing_seen;
	uint64_t deadline;   /* ns; 0: none */
	uint32_t timeout_ms; /* from the start of the wait; 0: none */
	uint64_t since; /* when it began to wait, coarse clock; 0: not yet */
	uint64_t task;  /* for which the caller waits; 0: none */
	uint32_t hint;  /* the permit, once taken */
	enum acquire_how how;
	struct park *park; /* ACQUIRE_PARKS */
};

/*
 * Takes a permit. Returns 0, -EBUSY (ACQUIRE_TRIES), -EINPROGRESS
 * (ACQUIRE_PARKS), -EDEADLK, -ETIMEDOUT, -ECANCELED, -ESHUTDOWN, or MOVED.
 */
int semaphore_acquire(struct acquire *a);

/*
 * A digest of the dead holders of permits; 0: there are none. It changes with
 * each death. Neither this function nor semaphore_examine() looks at the
 * predecessor's permits. Both work for a thread that is not attached.
 */
uint64_t semaphore_dead(const struct semaphore *s);

/* Asks the kernel about each thread that holds permits; reaps none. */
void semaphore_examine(const struct semaphore *s);

/* Calls `tell` for each record that a permit names. */
void semaphore_each_holder(const struct semaphore *s,
			   void (*tell)(struct mapping *map, uint32_t index));

/* Turns the time-out into a deadline, once. */
void acquire_begin_to_wait(struct acquire *a);

/*
 * Finds the one thread that holds all permits, at least max of them, here or in
 * the predecessor. *map and *id name its record; *sum is a digest of max and of
 * the word that all its permits have. False: several threads hold permits, none
 * does, a permit is a process's, or a permit is free.
 */
bool semaphore_sole_holder(const struct semaphore *s, struct mapping **map,
			   uint32_t *id, uint64_t *sum);

/*
 * Sets to 0 all words at that slot that name the dead or leaving `victim`.
 * `died`: counts them.
 */
void semaphore_sweep(struct peer *victim, uint32_t slot, bool died);

/*
 * Sets to 0 all words at that slot that are P's, except those of permits of its
 * process. Returns how many words it has left for that reason.
 */
uint32_t semaphore_sweep_own(struct peer *p, uint32_t slot);

/* PERMIT-4: sets to 0 all words at that slot that are `name`. */
void semaphore_sweep_name(const struct peer *victim, uint32_t slot,
			  uint32_t name);

/* Counts the words at that slot that name the participant. */
uint32_t semaphore_count_own(struct mapping *map, uint32_t id, uint32_t slot);

/*
 * Asks the kernel about each thread that holds permits, and reaps the dead. The
 * predecessor's permits are not looked at.
 */
void semaphore_reap(const struct semaphore *s);

/* Counts the permits that are held, here and in the predecessor. */
uint32_t semaphore_held(const struct semaphore *s);

/*
 * Finds the semaphore at a slot, whatever its name is. Works for a view, too.
 * False: there is none, or its bytes cannot be a semaphore's.
 */
bool semaphore_at(struct mapping *map, uint32_t slot, struct semaphore *s);

/*
 * Reads the maximum and the count of held permits at a slot. Works for a view,
 * too.
 */
bool semaphore_peek(struct mapping *map, uint32_t slot, uint32_t *max,
		    uint32_t *held);

/*
 * A permit's word: the holder's participant id (0: free); a bit that is set if
 * any thread of the holder's process may give the permit back (sync/permit.h);
 * and above that the low bits of the holder's incarnation.
 */
#define PERMIT_ID_BITS 14
#define PERMIT_ID_MASK ((1u << PERMIT_ID_BITS) - 1)
#define PERMIT_DETACHED (1u << PERMIT_ID_BITS)
#define PERMIT_LIFE_SHIFT (PERMIT_ID_BITS + 1)

static inline uint32_t permit_holder(uint32_t word)
{
	return word & PERMIT_ID_MASK;
}

static inline uint32_t permit_name(uint32_t id, uint32_t incarnation)
{
	return id | incarnation << PERMIT_LIFE_SHIFT;
}

/* The word of P's permits that are its process's. */
static inline uint32_t permit_lent(const struct peer *p)
{
	return permit_name(p->id, p->incarnation) | PERMIT_DETACHED;
}

static inline struct shm_semaphore *semaphore_head(const struct semaphore *s)
{
	return s->granule[0];
}

/* Returns `top`, or SHM_PERMITS if it is larger: the segment may be damaged. */
static inline uint32_t semaphore_top(const struct semaphore *s)
{
	uint32_t top = load_seq(&semaphore_head(s)->top);

	return top < SHM_PERMITS ? top : SHM_PERMITS;
}

#endif
