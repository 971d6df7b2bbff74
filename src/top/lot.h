/* SPDX-License-Identifier: MIT */
/*
 * The lists of a process's polled waits. Private memory; all of it is guarded
 * by the lock of top/polling.h.
 */
#ifndef TOP_LOT_H
#define TOP_LOT_H

#include "sync/call.h"

enum polled_state {
	POLLED_RUNNING,
	POLLED_PARKED,
	POLLED_READY,
	POLLED_TOLD,
};

/*
 * A queue's waits that are ready, in the order in which it returns them.
 *
 *  LOT-1. A thread that has put a wait into an empty list then owes the queue a
 *      write to its descriptor. A thread that has taken the last wait, or finds
 *      none, reads the descriptor with the lock held. So while the list has
 *      waits, the descriptor is readable or a write is still owed. If a socket
 *      is in its place, the loop reads the socket, and then calls
 *      sfshm_queue_next() until no wait is left. The next wait then comes into
 *      an empty list, so there is a new write that the loop has not read.
 *  LOT-2. A thread that owes a write makes it before it lets go of the lock.
 *      Only the watcher lets go of the lock first, so that the loop's thread,
 *      which the write wakes, does not find the lock taken. The watcher holds
 *      `telling` (top/polling.c) while it writes. The close of a queue waits
 *      for both locks, so nobody writes to a descriptor that is closed.
 */
struct polled_ready {
	int fd;          /* an eventfd */
	int loop;        /* the library's end of a socket that is written to in
			    place of `fd` (top/loop-socket.h); or -1 */
	uint64_t unread; /* writes to it that were owed and are not read yet */
	struct polled *first, **end;
	struct polled_ready *next_untold; /* in lot.untold */
};

struct polled {
	struct park park;
	enum polled_state state;
	const struct sfshm_cancel *cancel;
	const uint32_t *closing; /* changes when the handle is closed */
	uint32_t closing_seen;
	uint64_t task;
	struct polled_ready *ready;
	struct watched *where;     /* its mapping's waits */
	struct polled *next, **at; /* of the waits at its bell, or of `ready` */
	struct polled *next_of_task, **at_of_task;
};

#define LOT_TASKS 256 /* lists of waits by task */
#define LOT_OWNERS 60

/* Whether the wait's handle has been closed: -ESHUTDOWN. */
static inline bool polled_is_closed(const struct polled *w)
{
	return load_acquire(w->closing) != w->closing_seen;
}

/*
 * Makes a call that was started go on from where it has parked before, and park
 * where it would sleep.
 */
static inline void polled_resume(struct call *c, struct polled *w)
{
	c->closing_seen = w->closing_seen;
	c->flags |= CALL_PARKS;
	c->park = &w->park;
	call_resume(c);
}

/* The waits in one mapping, by their slots' bells. */
struct watched {
	struct mapping *map; /* with a reference */
	struct polled *at[SHM_BELLS];
	uint32_t seen[SHM_BELLS]; /* the bells, as they were last read */
	uint64_t heard;           /* a bit per bell: the watcher sleeps on it */
	uint64_t recent; /* a bit per bell: it had a wait in this slice */
	uint32_t count;  /* waits noted in the mapping */
	struct watched *next;
};

/* A leader or holder on whose word the watcher sleeps. */
struct lot_owner {
	struct mapping *map;
	uint32_t *word;
	uint32_t index;
	uint32_t seen;
};

extern struct lot {
	struct watched *all;
	struct polled *by_task[LOT_TASKS];
	struct lot_owner owner[LOT_OWNERS];
	uint32_t owner_count;
	uint32_t parked;     /* waits that are PARKED */
	uint32_t first_bell; /* the leaders of its waits are listed first */
	uint64_t due;        /* ns: the first end of a deadline or lease */
	uint64_t slice;      /* ns: when the watcher next looks at all waits */
	uint64_t emptied;    /* ns: when the last parked wait went */
	struct polled_ready *untold; /* queues to which a write is owed; empty
					while nobody has the lock */
} lot;

static inline uint32_t lot_bell(const struct polled *w)
{
	return polled_bell_of(w->park.slot);
}

void lot_link(struct polled **list, struct polled *w);
void lot_link_task(struct polled *w);

/* PARKED to READY. Owes the queue a write if its list was empty. */
void lot_ready(struct polled *w);

/* A write that is owed. */
struct lot_debt {
	int fd;
	bool is_socket;
};

/* Hands over the debts to untold queues, `max` at most, for lot_write().
   Returns how many. */
uint32_t lot_owed(struct lot_debt *debts, uint32_t max);
void lot_write(const struct lot_debt *debt);

/* Makes the queue write to this socket from now on; owes it a write if there is
   a wait to return. Returns the socket that it wrote to before, or -1. */
int lot_set_loop(struct polled_ready *ready, int fd);

/* Makes all untold queues' descriptors readable. */
void lot_tell(void);

/* READY to TOLD: returns the next wait that is ready, or NULL. */
struct polled *lot_next(struct polled_ready *ready);

/* From any other state to RUNNING: takes the wait from its lists, and its note
   from the segment (POLLING-6). */
void lot_take(struct polled *w);

/* POLLING-3: whether something has changed for the wait. */
bool lot_is_due(const struct polled *w, uint64_t now);

/* Lists the wait's owner, or the holders of its permits. False: they are listed
   already, they are threads of this process, or there is no room. */
bool lot_list_owners(const struct park *k);

/* Sets lot.due to `until` if that is earlier; `until` 0 stands for no time. */
void lot_note_until(uint64_t until);
void lot_read_bell(struct watched *a, uint32_t bell);

/* Make READY the waits that are due: those of one bell, or of every bell.
   lot_scan() reads each bell first. */
void lot_scan_bell(struct watched *a, uint32_t bell, uint64_t now);
void lot_scan(uint64_t now);

/* These add words to sleep on at *v. */
void lot_add_word(struct futex_waitv **v, uint32_t *word, uint32_t seen,
		  uint32_t flags);

/* The bells that have waits. False: there is no room for all of them. */
bool lot_add_bells(struct futex_waitv **v, const struct futex_waitv *end);

/*
 * The bells that have no wait now, but had one in this slice, as many as there
 * is room for: the next wait at such a bell need not wake the watcher.
 */
void lot_add_recent(struct futex_waitv **v, const struct futex_waitv *end);
bool lot_has_recent(void);

/* Makes READY the PARKED waits that match. */
typedef bool (*lot_match_fn)(const struct polled *w, const void *arg);
void lot_ready_those(lot_match_fn matches, const void *arg);

/* The owner is dead, or suspected to be: makes the waits for it READY, if that
   is of use to them. */
void lot_doubt(const struct lot_owner *o, bool dead);

/* Asks the kernel about the holders of the permits that are waited for. */
void lot_examine_holders(void);

#endif
