/* SPDX-License-Identifier: MIT */
/*
 * Looking inside a segment from outside: a read-only mapping, no participant,
 * no lock, nothing written. What is seen is a moment's picture; each record
 * says whether it was torn while it was read.
 */
#ifndef SFSHM_INSPECT_H
#define SFSHM_INSPECT_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* A read-only view. For one thread at a time. */
struct sfshm_view;

enum sfshm_phase {
	SFSHM_PHASE_FREE,    /* no key */
	SFSHM_PHASE_IDLE,    /* no flight; the last one was released */
	SFSHM_PHASE_BUSY,    /* a flight is under way */
	SFSHM_PHASE_DONE,    /* the last flight published */
	SFSHM_PHASE_FAILED,  /* the last flight failed */
	SFSHM_PHASE_RETIRED, /* on its way out */
};

/* What a slot's key is the key of. */
enum sfshm_kind {
	SFSHM_KIND_VALUE,     /* a value: sfshm/flight.h */
	SFSHM_KIND_CLAIM,     /* what a policy's claim_key coordinates */
	SFSHM_KIND_LOCK,      /* a keyed lock: sfshm/lock.h */
	SFSHM_KIND_SEMAPHORE, /* a semaphore: sfshm/semaphore.h */
	SFSHM_KIND_SAVE,      /* a staged save: sfshm/save.h */
};

/* What the header says, checked. */
struct sfshm_segment_info {
	size_t size; /* sizeof, set by the caller */
	char path[256];
	uint32_t layout_version;
	uint32_t slots;
	uint32_t slots_used; /* that were ever in use, so are in memory */
	uint32_t participants;
	uint32_t participants_used;
	uint32_t max_value;
	uint64_t bytes;        /* of values, in all */
	uint64_t bytes_used;   /* of values, taken by values and keys now */
	uint64_t file_bytes;   /* size of the file */
	uint64_t memory_bytes; /* of it backed by memory */
	uint64_t epoch;
	uint64_t created_s; /* CLOCK_REALTIME, seconds */
	uint32_t mode, owner, group;
	uint32_t waitv; /* 1: this kernel and process can sleep on several
				  words; 0: they poll */
};

struct sfshm_participant_info {
	size_t size;
	uint32_t index;
	uint32_t attached; /* somebody holds the record, dead or alive */
	uint32_t alive;
	uint32_t incarnation;
	int32_t pid, tid;  /* in the participant's own PID namespace */
	uint64_t pid_ns;   /* that namespace's inode */
	uint32_t flights;  /* flights it leads, locks and permits it holds; of
			      more than 16 not all */
	uint32_t reading;  /* inside a look-up now */
	uint32_t expelled; /* ... that was given up on */
	int64_t waits_for; /* slot that it sleeps on, or -1 */
	int64_t waits_for_participant; /* ... and who owns that, or -1 */
	char name[16];                 /* the thread's name */
};

struct sfshm_slot_info {
	size_t size;
	uint32_t index;
	uint32_t torn; /* changed while it was read; take it as a hint */
	enum sfshm_phase phase;
	uint32_t key_len;
	uint8_t key[1024];
	uint64_t generation;
	uint32_t owner; /* participant index + 1, 0: nobody */
	int32_t owner_pid, owner_tid;
	uint32_t owner_alive;
	uint32_t waiters;
	uint32_t deaths; /* leaders that died in a row */
	uint32_t has_value;
	uint64_t value_bytes; /* of the last good value */
	int64_t age_ms;       /* busy: of the flight; else of the result; -1 */
	int64_t ttl_ms;       /* remaining, 0: none left, -1: for ever */
	int32_t error_code;   /* failed: the work's code, else 0 */
	char error[256];      /* ... and message */

	enum sfshm_kind kind;
	int64_t stale_ms;     /* past its lifetime the value is kept for so long
			     as a stale one; -1: for ever */
	int64_t lease_ms;     /* busy: until others may take the flight; 0: they
			     may; -1: never, or not known */
	int64_t death_ms;     /* since the last leader died, if nobody has led
			     since; -1 */
	uint32_t rank;        /* of a lock that is held; 0: none */
	uint32_t owner_died;  /* the next leader, or holder of a lock, is told
				that the last one died; or this one was */
	uint32_t permits_max; /* of a semaphore */
	uint32_t permits;     /* ... that are held */
	uint32_t stage;       /* of a save: enum sfshm_save_stage */
	uint64_t file_bytes;  /* ... and the file's length, once known */
	char file[2048];      /* ... and path; "": not known */
};

/*
 * Opens a view of the segment `name` (as sfshm_open()). Returns 0 or as
 * sfshm_open(); `why` (or NULL) of `why_size` bytes gets a line about a
 * failure. A file that shrinks later raises SIGBUS in the reader, as with any
 * mapped file; sfshm-dump shows how to meet that.
 */
int sfshm_view_open(struct sfshm_view **out, const char *name, char *why,
		    size_t why_size) SFSHM_CHECKED;

void sfshm_view_close(struct sfshm_view *view);

int sfshm_view_segment(struct sfshm_view *view,
		       struct sfshm_segment_info *info) SFSHM_CHECKED;

/*
 * The record at `index` (0 ... participants_used - 1). Returns 0, -ERANGE past
 * the end, -EINVAL.
 */
int sfshm_view_participant(struct sfshm_view *view, uint32_t index,
			   struct sfshm_participant_info *info) SFSHM_CHECKED;

/*
 * The slot at `index` (0 ... slots_used - 1). Returns 0, -ERANGE past the end,
 * -EBADMSG: what stands there cannot be (index and phase are set), -EINVAL.
 */
int sfshm_view_slot(struct sfshm_view *view, uint32_t index,
		    struct sfshm_slot_info *info) SFSHM_CHECKED;

/*
 * Who holds the permits of the semaphore at slot `index`: up to `max` of them
 * go to `holders` as participant indices, one for each permit. Returns how many
 * are held; -ENODATA: there is no semaphore; -ERANGE, -EINVAL.
 */
int sfshm_view_permits(struct sfshm_view *view, uint32_t index,
		       uint32_t *holders, uint32_t max) SFSHM_CHECKED;

/*
 * Counter `index` of all participants together, past ones included; its name
 * and meaning go to *name and *help. Returns 0 or -ERANGE past the last.
 */
int sfshm_view_counter(struct sfshm_view *view, uint32_t index,
		       const char **name, const char **help,
		       uint64_t *value) SFSHM_CHECKED;

/* One finding of sfshm_verify(), a line for people. */
typedef void (*sfshm_finding_fn)(const char *finding, void *arg);

/*
 * Checks every invariant of the segment: chains, slots, who owns each granule
 * of value memory, the dead. Calls `report` (or NULL) for each breach and
 * returns how many there are, or an error as sfshm_get(). What the dead left
 * is reaped first and is no breach. Meant for a quiet segment: what others
 * change meanwhile is looked at again before it is reported.
 */
int sfshm_verify(struct sfshm *handle, sfshm_finding_fn report,
		 void *arg) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
