/* SPDX-License-Identifier: MIT */
/*
 * The segment: every struct that processes share.
 *
 *   header | participants | buckets, tag words, ghosts, ring | slots | cold |
 *   tags | granules
 *
 * "Cold" is the part of each slot that a hit seldom touches. The first
 * granules are inside the slots, one in each; the others follow the tags. Each
 * tag in the region "tags" names the owner of one granule. The tags that values
 * carry are something else; the tag words belong to those. The ghosts and the
 * ring serve the evictor: see store/probation.h.
 *
 * If all memory after the header is zero, the segment is valid and empty. There
 * are no pointers: an index names a slot, a participant or a granule. A
 * reference that may be empty is stored as index + 1, and 0 means "none".
 *
 * Everything that can be owned has one atomic word that names its owner. A
 * participant claims the thing by one CAS on that word:
 *
 *   a participant record   the futex word of its robust mutex
 *   a slot and its flight  shm_slot.ctl
 *   a granule of memory    its tag
 *   a permit               its word in the semaphore's value
 *
 * A lock that is held shared is the exception: a word in the record of each
 * holder names the lock (store/sharers.h).
 *
 * In the comments below "owner" is the participant that a thing's word names,
 * and "by ..." names the writers of a field.
 */
#ifndef SEGMENT_LAYOUT_H
#define SEGMENT_LAYOUT_H

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Robust lists, the mutexes and times have other sizes in 32-bit programs. */
static_assert(sizeof(void *) == 8 && sizeof(long) == 8 && sizeof(time_t) == 8,
	      "sfshm is for 64-bit systems only");

#define SHM_MAGIC "sfshm\r\n\x1a"
#define SHM_VERSION 8
#define SHM_HEADER_SIZE 4096
#define SHM_LINE 64
#define SHM_HUGE UINT64_C(1)     /* use huge pages where that is possible */
#define SHM_BOOTTIME UINT64_C(1) /* results age by CLOCK_BOOTTIME */

/* Values of shm_header.moved: a successor has the segment's name, or the file
   is removed (peer/removal.h). With either, nothing begins in the segment. */
#define SHM_MOVED 1u
#define SHM_REMOVED 2u

#define SHM_GRANULE 64             /* bytes of value memory per tag */
#define SHM_MAX_PARTICIPANTS 16383 /* 14 bits in a control word */
#define SHM_MAX_SLOTS (1u << 26)
#define SHM_MAX_GRANULES ((1u << 28) - 1)
#define SHM_RUN (1u << 31) /* in a reference to a chain: it is one run */
#define SHM_INLINE_KEY 24
#define SHM_MAX_COUNTERS 64
#define SHM_PINS 16
#define SHM_HITS 128     /* reads per thread that are remembered */
#define SHM_OWNED 16     /* owned slots that a record can name */
#define SHM_SHARED 8     /* shared holds of locks that a record can name */
#define SHM_DEATHS 64    /* remembered keys whose leaders have died */
#define SHM_PERMITS 1008 /* words of a semaphore */
#define SHM_TAGS 4       /* tags that a value may carry */
#define SHM_TAG_WORDS 4096
#define SHM_FLEET_DOWN 4  /* engines of fleets that are known to be away */
#define SHM_BELLS 64      /* for wakes of waits that a process polls */
#define SHM_NOTES 256     /* notes of such waits */
#define SHM_TIMES 32      /* buckets of a histogram of times */
#define SHM_FLIGHTS 32    /* flights and waits per thread, remembered */
#define SHM_RARE 16       /* other events per thread that are remembered */
#define SHM_RING_LEAST 64 /* entries of the smallest probation ring */

/* The creator's choice. It never changes, and the checksum covers it. */
struct shm_geometry {
	uint32_t slots;
	uint32_t participants;
	uint32_t buckets; /* seven for each four slots, at least 64 */
	uint32_t granules;
	uint32_t max_value; /* bytes */
	uint32_t spare;     /* granules at the end; see geometry.c */
	/* offsets of the regions, bytes from the start of the file */
	uint64_t participants_at;
	uint64_t buckets_at;
	uint64_t slots_at;
	uint64_t desks_at;
	uint64_t tags_at;
	uint64_t granules_at;
	uint64_t file_size;
};
static_assert(sizeof(struct shm_geometry) == 80, "layout");

/* Identifies the libc whose mutexes are in the segment. */
struct shm_fingerprint {
	uint32_t mutex_size;
	uint32_t word_offset;   /* of the futex word in the mutex */
	int64_t robust_offset;  /* from a robust list entry to that word */
	uint64_t mutex_pattern; /* hash of a mutex that was never locked */
};
static_assert(sizeof(struct shm_fingerprint) == 24, "layout");

struct shm_header {
	/* Written by the creator before the file has a name, then constant. */
	char magic[8];
	uint32_t version;
	uint32_t header_size;
	uint64_t incompatible; /* features: a library refuses the segment if it
				  does not know a bit, or if SHM_BOOTTIME is
				  missing */
	uint64_t compatible;   /* features that may be ignored: SHM_HUGE */
	struct shm_geometry geometry;
	struct shm_fingerprint fingerprint;
	uint8_t boot_id[16];
	uint64_t time_ns;     /* inode of the creator's time namespace */
	uint64_t seed;        /* of the key hash */
	uint64_t created;     /* CLOCK_REALTIME, seconds */
	uint64_t predecessor; /* inode of the segment it replaces, or 0 */
	uint64_t checksum;    /* of all above */
	uint64_t deaths[SHM_DEATHS]; /* hints; see store/deaths.h */
	/* The highest token of a fleet's engine that this segment has seen. By
	   threads that ask the engine, and the resizer; only grows. */
	uint64_t fleet_token;
	uint64_t fleet_down[SHM_FLEET_DOWN]; /* hints; see fleet/breaker.h */
	/* By the resizer, before the file has its name; see segment/holder.h */
	uint64_t fleet_heir;
	uint64_t fleet_holder[2];
	/* Waits that their processes poll: peer/polled.h. */
	uint32_t bells[SHM_BELLS]; /* futex words; by wakers */
	uint64_t notes[SHM_NOTES]; /* hints; by CAS */
	uint32_t notes_full;       /* 1: a wait once found no note free */
	uint8_t reserved[3840 - 192 - 8 * SHM_DEATHS - 32 - 8 * SHM_FLEET_DOWN -
			 4 * SHM_BELLS - 8 * SHM_NOTES - 4];

	uint64_t tag_clock; /* counts invalidations of tags; by invalidators */
	uint8_t pad0[56];

	/* The grace period clock; a caller that needs room advances it. */
	uint64_t epoch;
	uint64_t epoch_since; /* hint: when `epoch` last grew, ns; written just
				 after `epoch` */
	uint32_t moved;       /* 0, SHM_MOVED or, by CAS from 0, SHM_REMOVED */
	uint32_t drained;     /* 1: nothing is left in the predecessor */
	uint64_t doubled;     /* ns: the last time at which something was found
				 owned in a removed segment of the same name;
				 by processes that have that segment mapped */
	uint8_t pad1[32];

	/* Changed by inserts. */
	uint32_t slot_hand;   /* hint: the next slot to evict may be here */
	uint32_t expiry_hand; /* hint: the next expired slot may be here */
	uint32_t free_hand;   /* hint: the next free slot may be here */
	int32_t slots_free;   /* hint: how many of `slots_used` are free */
	uint32_t ring_in;     /* hint: counts the places that inserters took in
				 the probation ring; see store/probation.h */
	uint32_t ring_out;    /* hint: counts those that evictors took out */
	uint8_t pad2[40];

	/* How much of each region is reserved and in use. These only grow. */
	uint32_t participants_used;
	uint32_t slots_used;
	uint32_t granules_used; /* counts granules outside slots only */
	uint32_t relay;         /* always 0; see peer/wait.h */
	/* No key that left the table had a higher generation. Only grows. */
	uint64_t generation_floor;
	uint64_t orphans; /* counts pinned chains that lost their slot */
	uint8_t pad4[32];
};
static_assert(offsetof(struct shm_header, checksum) == 184, "layout");
static_assert(offsetof(struct shm_header, tag_clock) == 3840, "layout");
static_assert(offsetof(struct shm_header, epoch) == 3904, "layout");
static_assert(sizeof(struct shm_header) == SHM_HEADER_SIZE, "layout");

enum shm_counter {
#define COUNTER(name, help) COUNT_##name,
#include "segment/counters.def"
#undef COUNTER
	SHM_COUNTERS
};
static_assert(SHM_COUNTERS <= SHM_MAX_COUNTERS, "layout");

/* Bits of shm_participant.flags, set by the owner. */
#define SHM_PART_BYTE_LOCK 1u /* its process holds the record's byte lock */

/* Times of one kind, counted in buckets; see store/times.h. */
struct shm_times {
	uint64_t sum;              /* ns, of all times */
	uint64_t count[SHM_TIMES]; /* by bucket */
};
static_assert(sizeof(struct shm_times) == 264, "layout");

enum shm_event_kind {
	EVENT_none,
#define EVENT(name, help) EVENT_##name,
#include "segment/events.def"
#undef EVENT
	SHM_EVENTS
};

/* An event in one of a record's rings; see store/history.h. */
struct shm_event {
	uint64_t number; /* which event it is, and whether it is whole */
	uint64_t when;   /* CLOCK_MONOTONIC, ns */
	uint64_t what;   /* generation and kind */
	uint64_t where;  /* bits 0..31 the slot, 32..63 a part of the key's
			    hash */
	uint64_t who;    /* bits 0..31 the owner's process, 32..63 a time,
			    another process, or a number of keys */
};
static_assert(sizeof(struct shm_event) == 40, "layout");

/*
 * A participant: one attached thread. The thread that holds the mutex (the
 * owner, or a dead owner's reaper) writes all fields, unless a comment names
 * another.
 */
struct shm_participant {
	/* Liveness. The kernel marks the mutex when the owner dies. */
	union {
		pthread_mutex_t mutex;
		uint8_t mutex_bytes[48];
	};
	uint32_t relay; /* always 0; see peer/wait.h */
	int32_t tid;    /* holder of the mutex; 0: none, or see peer/record.h */
	int32_t pid;
	uint32_t incarnation; /* odd while the record has an owner; becomes even
				 by CAS: see peer/liveness.h */

	/* Identity of the mutex's holder, and the slot the owner waits at. */
	uint64_t pid_ns; /* inode of the PID namespace, 0: unknown */
	uint64_t cookie; /* the process's own random number */
	uint64_t wait;   /* bits 0..31: slot + 1 that the owner sleeps on, or
			    0; 32..63 count its waits; see peer/wait.h */
	char name[16];   /* the thread's */
	uint64_t door;   /* process in the door; by CAS; see peer/door.h */
	uint32_t flags;
	uint8_t pad1[12];

	/* The owner's read section; an evictor expels the reader by CAS. */
	uint64_t epoch;     /* 0: not reading; see store/epoch.h */
	uint32_t hits;      /* hint: counts the entries made in `hit` */
	uint32_t hits_seen; /* hint: how many are credited; by evictors */
	uint64_t active;    /* hint: ns: when the owner was last in a call; see
			       peer/participant.h */
	uint8_t pad2[8];
	uint32_t shared[SHM_SHARED]; /* slot + 1: locks that the owner holds
					shared; 0: a free word; see
					store/sharers.h */

	/* All that the owner owns or is about to claim, for its reaper. */
	uint32_t build;          /* granule + 1: head of the chain being made */
	uint32_t build_pending;  /* granule + 1: may be claimed, not chained */
	uint32_t doomed;         /* granule + 1: head of a chain being freed */
	uint32_t doomed_pending; /* granule + 1: cut off that chain, maybe not
				    free */
	uint32_t owned_overflow; /* 1: it may own slots that `owned` lacks; set
				    by other threads of its process, too */
	uint32_t handed_slot;    /* slot + 1: it gives that slot's flight, or a
				 permit there, to another record; 0: none;
				 see sync/move.h, sync/permit.h */
	uint64_t handed;         /* the control word that names that record; or
				 a permit's word that does, times 2^32 */
	uint32_t handed_to;      /* that record's incarnation */
	uint32_t pad3[7];
	uint32_t owned[SHM_OWNED]; /* slot + 1: slots that the owner owns, maybe
					others; see store/owned.h */

	/* Counters; never reset, so they outlive the owner. */
	uint64_t counters[SHM_MAX_COUNTERS];

	/* Hints for evictors: the last slots whose values the owner read. */
	uint32_t hit[SHM_HITS];

	/* Chains that must stay as they are; see store/pin.h. */
	uint32_t pins[SHM_PINS];

	/* Times; never reset, as the counters; see store/times.h. */
	struct shm_times worked; /* runs of the work that made a result */
	struct shm_times waited; /* calls that waited */

	/* The last events, in rings; see store/history.h. */
	uint64_t flights_noted; /* counts the events noted in `flights` */
	uint64_t rare_noted;    /* and in `rare` */
	struct shm_event flights[SHM_FLIGHTS]; /* ends of flights and waits */
	struct shm_event rare[SHM_RARE];
	uint8_t pad4[32];
};
static_assert(offsetof(struct shm_participant, relay) == 48, "layout");
static_assert(offsetof(struct shm_participant, door) == 104, "layout");
static_assert(offsetof(struct shm_participant, epoch) == 128, "layout");
static_assert(offsetof(struct shm_participant, build) == 192, "layout");
static_assert(offsetof(struct shm_participant, handed) == 216, "layout");
static_assert(offsetof(struct shm_participant, owned) == 256, "layout");
static_assert(offsetof(struct shm_participant, counters) == 320, "layout");
static_assert(offsetof(struct shm_participant, worked) == 1408, "layout");
static_assert(offsetof(struct shm_participant, flights) == 1952, "layout");
/*
 * An odd number of lines: a caller that reads the same word of each record
 * would find all those words in the same few sets of the cache if the size were
 * a power of two.
 */
static_assert(sizeof(struct shm_participant) == UINT64_C(61) * SHM_LINE,
	      "layout");
static_assert(sizeof(pthread_mutex_t) <= 48, "layout");

/*
 * The code that marks a key as uncacheable: each caller runs the work for
 * itself. No caller's failure can have this code.
 */
#define SHM_CODE_UNCACHEABLE INT32_MIN

/* The kinds of keys. Each has a name space of its own. */
enum shm_kind {
	SHM_VALUE,     /* a flight's key: its slot holds results */
	SHM_CLAIM,     /* a claim key; see sync/claim.h */
	SHM_LOCK,      /* a keyed lock: a flight that never has a result */
	SHM_SEMAPHORE, /* its result holds its permits; sync/semaphore.h */
	SHM_SAVE,      /* a staged save: its result describes the file */
	SHM_KINDS
};

/*
 * A field: one of a slot's two results, in two parts: front, which a hit reads,
 * and back. The control word says which field is the current value, and when
 * the other field may be written (store/ctl.h).
 */
struct shm_front {
	uint64_t when;   /* time of storing, CLOCK_BOOTTIME, ns, steps of 256;
			    bits 0..7: length + 1 of a value that is empty or
			    in the slot's inline granule; 0: the bytes are in
			    the chain shm_back.ref; 255: in that chain, too,
			    behind a struct shm_tagging */
	uint32_t ttl_ms; /* lifetime from then; UINT32_MAX: no end; by CAS,
			    invalidators, too */
	uint32_t gen;    /* low bits of the generation that wrote it */
};
static_assert(sizeof(struct shm_front) == 16, "layout");

struct shm_back {
	uint32_t ref;   /* granule + 1: head of the chain of bytes; with SHM_RUN
			   if the chain is a run of neighbours (ARENA-5) */
	uint32_t len;   /* bytes, those of a struct shm_tagging included */
	int32_t code;   /* 0: a value; else a failure with the bytes as text */
	uint16_t keep;  /* how long the result may serve after its lifetime, ms:
			   see store/scale.h */
	uint8_t took;   /* how long the work ran; see store/scale.h */
	uint8_t pinned; /* hint: its chain may be pinned; by pinning readers */
};
static_assert(sizeof(struct shm_back) == 16, "layout");

/*
 * The head of a value that carries tags; the value's bytes follow it in the
 * chain. See store/tagging.h.
 */
struct shm_tagging {
	uint64_t stamp;         /* the tag clock when the flight began */
	uint64_t tag[SHM_TAGS]; /* hashes of the names; 0: no more tags */
};
static_assert(sizeof(struct shm_tagging) == 40, "layout");

/*
 * The head of a semaphore's value. Its words follow, one of 32 bits for each
 * permit: 0 if the permit is free; else the holder's id in bits 0..13; in bit
 * 14, whether any thread of the holder's process may give the permit back; and
 * above, the low bits of the holder's incarnation. Changed by CAS; see
 * sync/semaphore.h and sync/permit.h.
 */
struct shm_semaphore {
	uint64_t max; /* bits 0..29 the maximum, 30 removed, 31 closing, 32..63
			 count the changes; by CAS, callers that change it */
	uint32_t top; /* index after the last word that was ever taken; only
			 grows; by callers that take a permit */
	uint32_t bypassed; /* hint: permits taken past waiters; by waiters
			      and callers that take a permit */
	uint8_t reserved[48];
};
static_assert(sizeof(struct shm_semaphore) == SHM_GRANULE, "layout");

/*
 * A key's place, in two parts with the same index: two adjacent cache lines
 * that a hit touches, and the cold rest (struct shm_desk). The owner named in
 * ctl writes all members, unless a comment names another writer.
 */
struct shm_slot {
	uint64_t next; /* the chain's next slot; by inserters and unlinkers */
	uint64_t ctl;  /* generation, owner, phase; by CAS */
	struct shm_front front; /* of the first field */
	uint32_t hash;          /* the upper half of the key's hash */
	uint16_t key_tag; /* bits 0..11: the key's length, 12..15: its kind */
	uint8_t deaths;   /* leaders that died in a row: see store/slot.h; by
			     CAS, followers and reapers, too */
	uint8_t recent;   /* hint: its standing, see store/probation.h; by
			     evictors and callers that wait for a claim, too */
	uint8_t key[SHM_INLINE_KEY]; /* or a longer key's reference */
	/* A granule for any slot, preferably for a small value of this one. */
	uint8_t inline_granule[SHM_GRANULE];
};
static_assert(offsetof(struct shm_slot, inline_granule) == 64, "layout");
static_assert(sizeof(struct shm_slot) == 128, "layout");

/* A slot's desk: its cold part, used by leaders, waiters and evictors. */
struct shm_desk {
	uint64_t started; /* when its flight began, or the stamp of its grace
			     period: see store/slot.h; by CAS, followers,
			     reapers and unlinkers, too */
	uint32_t event;   /* futex word of the waiters; by waiters and wakers */
	union {
		uint32_t lease_ms;  /* the leader's, from `started`; 0: none;
				       SFSHM_FOREVER: without end */
		uint32_t lock_rank; /* of a lock, which has no lease */
	};
	union {
		struct shm_front front; /* of the second field */
		uint32_t bypassed; /* of a lock, which has no fields; by its
				      holders and by calls that park: see
				      sync/lock.h */
	};
	struct shm_back back[2];
};
static_assert(sizeof(struct shm_desk) == 64, "layout");

#endif
