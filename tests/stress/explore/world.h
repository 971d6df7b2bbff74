/* SPDX-License-Identifier: MIT */
/*
 * Everything that the virtual kernel and the oracle remember, in one piece
 * without padding that matters. A run begins with a copy of it, and a state's
 * hash covers it.
 */
#ifndef EXPLORE_WORLD_H
#define EXPLORE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fiber.h"
#include "segment/mapping.h"

#define WORLD_SLOTS 8
#define WORLD_RECORDS 6
#define WORLD_LOCKS (2 * FIBERS)
/*
 * A run copies this much of the segment: the words of the tags come last there,
 * and scenarios use only the first of those words.
 */
#define WORLD_COPIED 36864
#define WORLD_TAG_WORDS 8
#define WORLD_BYTES \
	(WORLD_COPIED + (SHM_TAG_WORDS - WORLD_TAG_WORDS) * sizeof(uint64_t))

enum task_status {
	TASK_ABSENT,
	TASK_READY,
	TASK_ASLEEP,  /* on words, or for a time */
	TASK_STOPPED, /* until all others have ended, or sleep for long */
	TASK_ENDED,   /* its body has, the thread has not */
	TASK_DEAD,
};

#define TASK_WORDS 8
#define TASK_HELD 3

/* A thread, as the kernel knows it. */
struct task {
	uint8_t status;
	uint8_t woken; /* 0 by its time, 1 by somebody */
	uint8_t order; /* among those asleep: who came first is woken first */
	uint8_t words; /* that it sleeps on */
	uint8_t held_count;
	uint8_t section;  /* record + 1 whose epoch word it has set, or 0 */
	uint8_t expelled; /* from that section */
	uint8_t leads;    /* bit n: it believes to lead key n */
	uint8_t shares;   /* bit n: it holds lock n shared */
	uint8_t robs;     /* bit n: it may take key n from its leader */
	uint8_t locks;    /* mutexes of its process that it has */
	int32_t tid, pid;
	uint64_t ns;
	uint64_t cookie;
	uint64_t until;         /* ns; 0: no end */
	uint64_t lead_until[8]; /* by key; 0: no end */
	uint32_t *word[TASK_WORDS];
	uint32_t *held[TASK_HELD]; /* its robust list */
};

struct world {
	uint64_t now;
	struct task task[FIBERS];
	int64_t lock_at[WORLD_LOCKS];     /* byte locks: where */
	uint8_t lock_holder[WORLD_LOCKS]; /* process + 1; 0: there is none */
	uint8_t holder[WORLD_RECORDS];    /* of the record's mutex: fiber + 1 */
	uint8_t stands[WORLD_SLOTS];      /* bit n: fiber n may stand on it */
	uint64_t generation[8];           /* of each key's last flight */
	uint64_t ended[8]; /* the last one that a call has ended */
	uint8_t flyer[8];  /* whose flight it is: process + 1 */
	uint8_t deaths, stops;
	uint8_t source;   /* what values are made from: its version */
	uint8_t told;     /* its version when the last invalidation returned */
	uint8_t orphaned; /* a holder of the lock died, and nobody was told */
};

extern struct world world;

/* The segment, and its parts. */
extern uint8_t world_bytes[WORLD_BYTES];
extern struct shm_geometry world_geometry;
extern struct mapping world_map; /* of nobody's: for the oracle */

/* Lays an empty segment out. */
void world_make(uint32_t slots, uint32_t granules, uint32_t buckets);

/* Each run begins with the world as it stands; and back to that. */
void world_keep(void);
void world_reset(void);

/* Of segment, kernel, oracle, and all who live. */
uint64_t world_hash(unsigned int fibers);

static inline bool world_has(const void *at)
{
	return (uintptr_t)at - (uintptr_t)world_bytes < WORLD_BYTES;
}

/* Whether the word is a counter, or a hit noted for an evictor: hints. */
bool world_is_dull(const void *at);

uint64_t world_read(const void *at, size_t size);
void world_set(void *at, size_t size, uint64_t value);

/* Every change of the segment, told to its hash and to the oracle. */
struct world_change {
	void *at;
	size_t size;
	uint64_t word, value; /* what stood there: all of it, the part */
};
struct world_change world_before(void *at, size_t size);
void world_after(const struct world_change *c, bool by_cas);

static inline bool task_lives(const struct task *t)
{
	return t->status >= TASK_READY && t->status <= TASK_ENDED;
}

#endif
