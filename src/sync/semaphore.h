/* SPDX-License-Identifier: MIT */
/*
 * Counting semaphores that do not leak.
 *
 * A semaphore is a slot of the kind SHM_SEMAPHORE, its key the name. A flight
 * makes it: the value that it publishes is the permits, a head (struct
 * shm_semaphore) and an array of words. It is never published anew, retired or
 * evicted, so once the slot is DONE its control word stays what it is, and who
 * has seen it need not look the name up again.
 *
 * Each permit that is held is one word that names its holder: the ownership
 * word. There is no count to keep, so none to be wrong: what is held is what
 * is not 0.
 *
 *  SEMAPHORE-1. A word is taken by one CAS from 0 to its holder's name, and
 *      only by a participant whose record notes the semaphore's slot, once
 *      for each permit. Only the holder, or its reaper once it is dead,
 *      sets it back to 0. So a holder's death leaves nothing but words that
 *      name it, in semaphores that its record names.
 *  SEMAPHORE-2. Let f(L) be L and the number of words from L on that are held.
 *      With L the largest number for which f(L) <= max (none: 0), a taker
 *
 *        reads max, then top and what words it needs to know L; takes a free
 *        word below L; reads max again.
 *
 *      If max, which counts its changes, is the same, the permit is its; else
 *      it works L out anew, and gives the word back unless that is below it.
 *  SEMAPHORE-3. So no more than max are held, or, for as long as it takes after
 *      max was lowered, no more than there were. Of those who took a permit
 *      under the present max let M have used the largest L. All their words are
 *      below that L, at most L of them. A word from L on that is held was
 *      therefore taken under an earlier max and is held since; M, which read
 *      the words after max had been changed, has counted it (ORDER-V1,
 *      ORDER-V2). Together f(L) at most. With permits held below max there is a
 *      free word below L, for f(L) == max and all those not held below it are
 *      free.
 *  SEMAPHORE-4. No word from `top` on was ever taken, for a taker raises it
 *      first. So while top <= max, which is nearly always, L is max and no word
 *      need be read.
 *  SEMAPHORE-5. Who sleeps for a permit has announced itself at the slot's
 *      event (ORDER-E1) and found none free after that. Who sets a word back,
 *      or changes max, does so before it looks for waiters (ORDER-E2). A
 *      release wakes one; who has been woken looks for a permit once more
 *      before it leaves, whatever it leaves for. A sweep and a change of max
 *      wake all.
 *
 * How each death is repaired:
 *
 *   a holder, in its work     its words name it. The kernel marks its record
 *                             and wakes one who sleeps on that, and one who
 *                             sleeps on the segment's relay word (WAIT-6); that
 *                             one reaps: sweep, wake all
 *   ... more than fit         `owned_overflow`: the sweep looks at all slots
 *   with the slot noted and   the note is dropped
 *     no word taken
 *   with a word taken that    as a holder: until it is given back the word
 *     may not be allowed      keeps others from taking as many, never lets
 *                             them take more
 *   with a word set back and  the slot is noted still, so it is reaped as a
 *     nobody woken            holder is: nothing to set back, wake all
 *   with max changed and      the same: who changes max has noted the slot and
 *     nobody woken            rests at the relay word
 *   a sleeper, woken or not   WAIT-2: its pending relay word wakes the next;
 *                             its record names the slot, whose waiters its
 *                             reaper wakes
 *   a reaper, half-way        the record is still marked: the next one sweeps
 *                             again. Words that were set back are 0, all are
 *                             woken again
 *   the semaphore's maker     as of any flight; who asks next makes it
 *
 * While the segment is being replaced (top/succession.h) each permit has two
 * words, and is held if either is. In the predecessor none is taken any more:
 * who takes one looks at `moved` afterwards (ORDER-M2). In the successor a word
 * is taken only if its counterpart is 0, so the two together obey SEMAPHORE-3.
 */
#ifndef SYNC_SEMAPHORE_H
#define SYNC_SEMAPHORE_H

#include "peer/wait.h"
#include "sync/flight.h"

/* Of a semaphore's value: the head, and one granule for 16 words. */
#define SEMAPHORE_WORDS_PER_GRANULE (SHM_GRANULE / sizeof(uint32_t))
#define SEMAPHORE_GRANULES (1 + SHM_PERMITS / SEMAPHORE_WORDS_PER_GRANULE)
#define SEMAPHORE_BYTES (SEMAPHORE_GRANULES * SHM_GRANULE)

/* A semaphore as it was found. */
struct semaphore {
	struct mapping *map;
	uint64_t ctl;
	uint32_t slot;
	void *granule[SEMAPHORE_GRANULES]; /* of its value, in order */
	struct semaphore *before; /* in the segment's predecessor, or NULL */
};

/* A name that no longer needs to be looked up, and where to look first. */
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

/* Whether it still is what was found. */
static inline bool semaphore_stands(const struct semaphore *s)
{
	return load_acquire(&s->map->slots[s->slot].ctl) == s->ctl;
}

/* Looks a name up: 1 found, 0 there is none (yet), or -EBADMSG. */
int semaphore_find(struct peer *p, const struct key *k, struct semaphore *s);

/* The value to make one with; `head` is filled in. */
void semaphore_fresh(struct shm_semaphore *head, uint32_t max,
		     struct iovec iov[2]);

uint32_t semaphore_max(const struct semaphore *s);

/*
 * Takes a permit, looking at word *hint first: 0 with its number in *hint;
 * -EBUSY: none is free; MOVED.
 */
int semaphore_take(struct peer *p, const struct semaphore *s, uint32_t *hint);

/* The word of permit `i`. */
uint32_t *semaphore_word(const struct semaphore *s, uint32_t i);

/* Gives the permit at `word` back; 0 or -EBADMSG: it is not P's. */
int semaphore_give_back(struct peer *p, uint32_t slot, uint32_t *word);

/* Changes the maximum; 0 or MOVED. */
int semaphore_set_max(struct peer *p, const struct semaphore *s, uint32_t max);

/* A call that wants a permit. */
struct acquire {
	struct peer *self;
	const struct semaphore *s;
	struct sfshm_cancel *cancel;
	uint32_t *closing;
	uint32_t closing_seen;
	uint64_t deadline;   /* ns; 0: none */
	uint32_t timeout_ms; /* from when it begins to wait; or 0 */
	uint32_t hint;       /* the permit, once taken */
	bool try;
};

/*
 * Takes a permit, waiting for it. 0, -EBUSY (`try`), -EDEADLK, -ETIMEDOUT,
 * -ECANCELED, -ESHUTDOWN, or MOVED.
 */
int semaphore_acquire(struct acquire *a);

/* The time-out becomes a deadline, once. */
void acquire_begin_to_wait(struct acquire *a);

/* Sets back all words of that slot that name the dead or leaving `victim`. */
void semaphore_sweep(struct peer *victim, uint32_t slot, bool died);

/* How many permits are held, here and in the predecessor. */
uint32_t semaphore_held(const struct semaphore *s);

/*
 * The semaphore at a slot, whatever its name is; for views too. False: it has
 * none, or what is there cannot be.
 */
bool semaphore_at(struct mapping *map, uint32_t slot, struct semaphore *s);

/* The same for who only wants to know; for views too. */
bool semaphore_peek(struct mapping *map, uint32_t slot, uint32_t *max,
		    uint32_t *held);

/* Who holds the permit at a word, as participant id; 0: nobody. */
#define PERMIT_ID_BITS 14
#define PERMIT_ID_MASK ((1u << PERMIT_ID_BITS) - 1)

static inline uint32_t permit_holder(uint32_t word)
{
	return word & PERMIT_ID_MASK;
}

static inline uint32_t permit_name(uint32_t id, uint32_t incarnation)
{
	return id | incarnation << PERMIT_ID_BITS;
}

static inline struct shm_semaphore *semaphore_head(const struct semaphore *s)
{
	return s->granule[0];
}

/* How many words may have been taken. */
static inline uint32_t semaphore_top(const struct semaphore *s)
{
	uint32_t top = load_seq(&semaphore_head(s)->top);

	return top < SHM_PERMITS ? top : SHM_PERMITS;
}

#endif
