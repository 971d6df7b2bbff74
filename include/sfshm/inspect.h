/* SPDX-License-Identifier: MIT */
/*
 * Views look into a segment without taking part in it; sfshm_verify() checks a
 * segment.
 *
 * A view maps the segment read-only. The viewer is no participant, takes no
 * lock and writes nothing, so it disturbs nobody. Each call reads one record;
 * `torn` says whether a slot changed while the call read it. Unlike a view,
 * sfshm_verify() takes part in the segment.
 *
 * No call here may be made in a signal handler. A view works in a forked child;
 * a call with a handle returns -ECHILD there, unless the handle follows forks.
 * If a viewer dies inside, nobody else is affected.
 */
#ifndef SFSHM_INSPECT_H
#define SFSHM_INSPECT_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* A read-only view, for use in one thread at a time. */
struct sfshm_view;

enum sfshm_phase {
	SFSHM_PHASE_FREE,    /* no key */
	SFSHM_PHASE_IDLE,    /* no flight; the last one was released */
	SFSHM_PHASE_BUSY,    /* a flight is under way */
	SFSHM_PHASE_DONE,    /* the last flight published */
	SFSHM_PHASE_FAILED,  /* the last flight failed */
	SFSHM_PHASE_RETIRED, /* the slot is being freed */
};

/* The kinds of keys. */
enum sfshm_kind {
	SFSHM_KIND_VALUE,     /* a value: sfshm/flight.h */
	SFSHM_KIND_CLAIM,     /* a claim_key of a policy: sfshm/flight.h */
	SFSHM_KIND_LOCK,      /* a keyed lock: sfshm/lock.h */
	SFSHM_KIND_SEMAPHORE, /* a semaphore: sfshm/semaphore.h */
	SFSHM_KIND_SAVE,      /* a staged save: sfshm/save.h */
};

/*
 * The segment's header, checked. Zero-initialise it and set `size` to its
 * sizeof; likewise for the structs below.
 */
struct sfshm_segment_info {
	size_t size;
	char path[256];
	uint32_t layout_version;
	uint32_t slots;
	uint32_t slots_used; /* slots that have ever been in use */
	uint32_t participants;
	uint32_t participants_used;
	uint32_t max_value;
	uint64_t bytes;        /* capacity for values */
	uint64_t bytes_used;   /* of that, in use by values and keys */
	uint64_t file_bytes;   /* size of the file */
	uint64_t memory_bytes; /* of that, backed by memory */
	uint64_t epoch;        /* grows as evictors reclaim memory */
	uint64_t created_s;    /* CLOCK_REALTIME, seconds */
	uint32_t mode, owner, group;
	uint32_t waitv; /* 1: this process can sleep on several words at once
				  (futex_waitv); 0: followers poll */
	/* of fleets, see <sfshm/fleet.h> */
	uint64_t fleet_token;    /* the highest that the segment has seen, or
				    0 */
	uint32_t fleet_away;     /* engines that have not answered since they
				    were last asked; four at most */
	uint32_t fleet_retry_ms; /* until a call may ask one of these again */
	uint64_t inode;          /* of the file, which a resize replaces */
};

/* A participant: a thread that uses the segment. */
struct sfshm_participant_info {
	size_t size;
	uint32_t index;
	uint32_t attached;    /* 1: a thread, dead or alive, has the record */
	uint32_t alive;       /* 1: that thread lives */
	uint32_t incarnation; /* counts the threads that had the record */
	int32_t pid, tid;     /* in the participant's own PID namespace */
	uint64_t pid_ns;      /* inode of that namespace */
	uint32_t flights;  /* flights it leads plus locks and permits it holds;
			      above 16 the number may be too low */
	uint32_t reading;  /* 1: it is inside a look-up */
	uint32_t expelled; /* 1: evictors do not wait for that look-up */
	int64_t waits_for; /* slot on which it sleeps, or -1 */
	int64_t waits_for_participant; /* owner of that slot, or -1 */
	char name[16];                 /* the thread's name */
};

/* A slot with its key. */
struct sfshm_slot_info {
	size_t size;
	uint32_t index;
	uint32_t torn; /* 1: the slot changed during the call, so the fields
			  below are only hints */
	enum sfshm_phase phase;
	uint32_t key_len;
	uint8_t key[1024];
	uint64_t generation;
	uint32_t owner; /* participant index + 1 of the leader; 0: none */
	int32_t owner_pid, owner_tid;
	uint32_t owner_alive;
	uint32_t waiters;
	uint32_t deaths; /* leaders that died in a row */
	uint32_t has_value;
	uint64_t value_bytes; /* length of the last good value */
	int64_t age_ms;       /* busy: of the flight; else of the result; -1:
			     none */
	int64_t ttl_ms;       /* rest of the lifetime; 0: over; -1: for ever */
	int32_t error_code;   /* failed: the work's code; else 0 */
	char error[256];      /* failed: the work's message */

	enum sfshm_kind kind;
	int64_t stale_ms;    /* how long past its lifetime the segment keeps
			     the value as a stale one; -1: for ever */
	int64_t lease_ms;    /* busy: rest of the leader's lease; 0: over; -1:
			     no lease, or not known */
	int64_t death_ms;    /* since the last leader died, if nobody has led
			     since; else -1 */
	uint32_t rank;       /* held lock: its rank; 0: none */
	uint32_t owner_died; /* 1: the last leader or lock holder died; the next
				one learns that */
	uint32_t permits_max; /* semaphore: number of permits */
	uint32_t permits;     /* semaphore: permits held; lock: threads that
				 hold it shared */
	uint32_t stage;       /* save: enum sfshm_save_stage */
	uint64_t file_bytes;  /* save: length of the file; 0: not known */
	char file[2048];      /* save: path of the file; "": not known */
	int64_t took_us;      /* how long the work for the value ran, in us, to
				 within a fifth and a few ms; -1: there is
				 no value, or the time is not known or too
				 short to measure */
	int64_t idle_ms;      /* busy: since the live leader was last in a call
				that begins a flight, asks for a value,
				publishes, fails or extends. With SFSHM_DETACHED
				such calls of all attached threads of its
				process count. -1: a lock or semaphore, no live
				leader, or not known */
};

/*
 * Times of one kind, counted in buckets. The upper bounds of the buckets are
 * least_ns, twice that, four times, and so on; the last bucket has no bound.
 */
#define SFSHM_HISTOGRAM_BUCKETS 32

struct sfshm_histogram_info {
	size_t size;
	uint64_t count;    /* of all times */
	uint64_t sum_ns;   /* of all times */
	uint64_t least_ns; /* bucket[0] has the times below this */
	uint64_t bucket[SFSHM_HISTOGRAM_BUCKETS];
};

/*
 * An event that a participant has noted. Each record keeps the last 32 ends of
 * flights and waits, and apart from them the last 16 of all other events. They
 * stay when the thread detaches or dies, until later events take their places.
 */
#define SFSHM_EVENTS 48 /* places for events in a record */

struct sfshm_event_info {
	size_t size;
	uint32_t participant; /* index of the record */
	uint32_t rare;        /* 0: the end of a flight or wait; 1: another */
	uint64_t number;      /* counts the record's events of that sort from 0;
				 those that are not there any more, too */
	uint64_t when_ns;     /* CLOCK_MONOTONIC, to within some ms */
	uint64_t took_ns;     /* how long the flight or the wait has lasted, to
				 within some ms; 0: not known, or shorter */
	uint64_t generation;  /* of the flight; 0: none */
	int32_t pid;          /* process that noted it, in its PID namespace */
	int32_t other_pid;    /* process that it is about; 0: none, not known */
	uint32_t keys;        /* how many keys it is about */
	uint32_t awaited;     /* 1: others waited for the flight */
	uint32_t slot;        /* UINT32_MAX: none */
	uint32_t hash;        /* of the key, a part */
	enum sfshm_kind kind; /* of the key, if key_len is not 0 */
	uint32_t key_len;     /* 0: the slot has another key by now, or none */
	uint8_t key[1024];
};

/*
 * Opens a view of the segment `name` (<sfshm/segment.h> lists a name's forms).
 * After a failure `why` (or NULL, `why_size` bytes) has one line. Returns 0,
 * -ENOENT, -EACCES, -ELOOP, -EPROTO, -ENAMETOOLONG, -ENOMEM, or the error of
 * the system call that failed. Blocks only for file-system calls. If the file
 * shrinks later, reading the view raises SIGBUS, as with any mapped file;
 * sfshm-dump shows how to handle it.
 */
int sfshm_view_open(struct sfshm_view **out, const char *name, char *why,
		    size_t why_size) SFSHM_CHECKED;

/* Closes the view; does nothing for NULL. */
void sfshm_view_close(struct sfshm_view *view);

/* Reads the segment's header. Returns 0, or -EINVAL: wrong `size`, or NULL. */
int sfshm_view_segment(struct sfshm_view *view,
		       struct sfshm_segment_info *info) SFSHM_CHECKED;

/*
 * Reads the participant record at `index` (0 to participants_used - 1). Returns
 * 0; -ERANGE, the index is past the end; or -EINVAL. Never blocks.
 */
int sfshm_view_participant(struct sfshm_view *view, uint32_t index,
			   struct sfshm_participant_info *info) SFSHM_CHECKED;

/*
 * Reads the slot at `index` (0 to slots_used - 1). Returns 0; -ERANGE, the
 * index is past the end; -EBADMSG, the slot is damaged: trust only `index` and
 * `phase`, go on with the next slot, and verify the segment; or -EINVAL. Never
 * blocks.
 */
int sfshm_view_slot(struct sfshm_view *view, uint32_t index,
		    struct sfshm_slot_info *info) SFSHM_CHECKED;

/*
 * Reads the holders at slot `index`: those of a semaphore's permits, or the
 * threads that hold a lock shared. Stores in holders[] a participant index for
 * each permit or shared hold, `max` at most. Returns the number of permits or
 * shared holds, which may be above `max`; -ENODATA, the slot has no semaphore,
 * and no lock that is held shared; -ERANGE; or -EINVAL. Never blocks.
 */
int sfshm_view_permits(struct sfshm_view *view, uint32_t index,
		       uint32_t *holders, uint32_t max) SFSHM_CHECKED;

/*
 * Reads counter `index`, summed over all present and past participants, with
 * its name and its meaning (static strings). Returns 0; -ERANGE, the index is
 * past the last counter; or -EINVAL. Never blocks.
 */
int sfshm_view_counter(struct sfshm_view *view, uint32_t index,
		       const char **name, const char **help,
		       uint64_t *value) SFSHM_CHECKED;

/*
 * sfshm_view_counter() without a view, for the segment that the handle uses at
 * present. Returns as sfshm_view_counter(), or an error as sfshm_get().
 */
int sfshm_counter(struct sfshm *handle, uint32_t index, const char **name,
		  const char **help, uint64_t *value) SFSHM_CHECKED;

/*
 * Reads histogram `index`, summed over all present and past participants, with
 * its name and its meaning (static strings). The histograms are "work", the
 * time of each run of the work that published or failed, and "wait", the time
 * that each call waited for another caller's flight, lock or permit. Each time
 * is off by at most a tick of the kernel's coarse clock (1 to 10 ms); the sum
 * is right on average. Initialise *info as the structs above. Returns 0;
 * -ERANGE, the index is past the last histogram; or -EINVAL. Never blocks.
 */
int sfshm_view_histogram(struct sfshm_view *view, uint32_t index,
			 const char **name, const char **help,
			 struct sfshm_histogram_info *info) SFSHM_CHECKED;

/*
 * Reads the event at `place` (0 to SFSHM_EVENTS - 1) of the participant record
 * at `index` (0 to participants_used - 1), with its name and its meaning
 * (static strings; sfshm-dump(1) lists them). Initialise *info as the structs
 * above. An event is never shown in part. Returns 0; -ENODATA, no event is
 * there, or it is being written, or its writer died as it wrote; -ERANGE, there
 * is no such record or place; or -EINVAL. Never blocks.
 */
int sfshm_view_event(struct sfshm_view *view, uint32_t index, uint32_t place,
		     const char **name, const char **help,
		     struct sfshm_event_info *info) SFSHM_CHECKED;

/* sfshm_verify() calls this with one line for each breach. */
typedef void (*sfshm_finding_fn)(const char *finding, void *arg);

/*
 * Checks every invariant of the segment: hash chains, slots, the owner of each
 * granule (allocation unit) of value memory, participant records. First cleans
 * up after dead participants, and does not report what they left. After the
 * check, calls `report` (or NULL) with `arg` for each of the first 1000
 * breaches. Returns the number of breaches, or an error as sfshm_get(). Meant
 * for a segment that is not in use: a change by another caller during the check
 * can look like a breach. While the check finds breaches, the call repeats the
 * check, up to five times in all; it reports only what the last check found.
 * Visits the whole segment; does not wait for other callers. Thread-safe. If
 * the caller dies inside, other participants clean up after it.
 */
int sfshm_verify(struct sfshm *handle, sfshm_finding_fn report,
		 void *arg) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
