/* SPDX-License-Identifier: MIT */
/*
 * A storm: many processes ask for random keys, and are killed at random. Each
 * reports over a pipe what it is about to do and what came of it, and the
 * oracle at the other end checks that the reports agree.
 */
#ifndef STORM_H
#define STORM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/random.h"
#include "common/tags.h"
#include "common/value.h"

#define STORM_WORKERS 64 /* at most */
#define STORM_KEYS 96
#define STORM_HOT 6 /* half of all calls ask for these */
#define STORM_SLOTS 48
#define STORM_BYTES (512 << 10)
#define STORM_MAX_VALUE (8 << 10)
#define STORM_LOCK_AGE_MS 5
#define STORM_LOCKS 4
#define STORM_PERMITS 3
#define STORM_SEMAPHORE "permits"

/* A worker tells these, in one write each, which the pipe keeps whole. */
enum kind {
	TOLD_BORN,
	TOLD_LED,    /* begins to lead `generation` */
	TOLD_WILL,   /* is about to publish a value with the sum `id` in it */
	TOLD_DID,    /* ... and that returned `outcome` */
	TOLD_SAW,    /* got that value; waited `ns` for it */
	TOLD_WAITED, /* something else came of a call; it took `ns` */
	TOLD_WRONG,  /* saw what cannot be: enum wrong in `outcome` */
};

enum wrong {
	WRONG_TORN,   /* the value's bytes do not fit each other */
	WRONG_KEY,    /* another key's value */
	WRONG_GEN,    /* the value's generation is not the result's */
	WRONG_CODE,   /* a code that should not come, in `id` */
	WRONG_WORDS,  /* another failure's message */
	WRONG_LOCK,   /* two hold a lock at once */
	WRONG_PERMIT, /* more permits are held than there are */
	WRONG_TAG,    /* fresh, and its tag was invalidated meanwhile */
	WRONG_END,    /* a flight of the process ends twice, or not at all */
	WRONG_LEFT,   /* sfshm_release_all() left something, or took more */
	WRONG_RUNS,   /* sfshm_do() ran the work too often, or not enough */
	WRONGS
};

struct told {
	uint32_t kind;
	uint32_t worker;
	uint32_t key;
	int32_t outcome;
	uint64_t generation; /* with PUT_MARK: a put's number */
	uint64_t as;         /* the generation that a value was told as */
	uint64_t id;
	uint64_t ns;
};

/* What workers count themselves; survives them. By the worker alone. */
struct own {
	uint64_t started, hits, errors, awaited, led;
	uint64_t other; /* calls with neither a result nor the lead */
	uint64_t published, failed, released, fenced, attached, no_space;
	uint64_t forgotten, locked, orphaned, permits;
	uint64_t puts, renewed, invalidated, stale;
	uint64_t tagged; /* fresh values with tags that were seen */
	uint64_t tags_invalidated, shared, busy, handed, left, again;
	/* Calls that count like any number of flights. */
	uint64_t uncounted;
};

struct storm {
	char path[64];
	int pipe; /* the workers' end */
	uint64_t bound_ns;
	struct own own[STORM_WORKERS];
	uint32_t holder[STORM_LOCKS]; /* pid of who has the lock; 0: nobody */
	/*
	 * By lock and worker: the worker's pid << 32, and a count that is odd
	 * while this process holds the lock shared. A newborn clears its own.
	 */
	uint64_t sharer[STORM_LOCKS][STORM_WORKERS];
	uint64_t stall_ns; /* by the bystander */
	uint64_t puts;
	/*
	 * By key: when the value was last renewed, by the clock of the tags.
	 * From then on a result may give it a later generation than its stamp.
	 */
	uint64_t renewed[STORM_KEYS];
	struct tags tags;
};

/* Keys whose leaders may be late; others steal their flights then. */
static inline bool key_has_age(uint32_t key)
{
	return key % 4 == 3;
}

/* Keys that puts and hard invalidations take from their leaders. */
static inline bool key_is_taken(uint32_t key)
{
	return key % 4 == 2;
}

/* Nobody takes a flight of this key from a leader that lives. */
static inline bool key_is_kept(uint32_t key)
{
	return !key_has_age(key) && !key_is_taken(key);
}

uint64_t clock_ns(void);

/*
 * A bystander, who only sleeps, and notes by how much it oversleeps: what
 * this machine does to any process, storm or not.
 */
void bystander_run(struct storm *st) __attribute__((noreturn));

/* A worker's life. */
void worker_run(struct storm *st, uint32_t worker, uint64_t seed)
	__attribute__((noreturn));

/* What the oracle has found. */
struct oracle {
	uint64_t told, led, published, refused, seen, awaited;
	uint64_t too_old; /* seen, of a generation that it has forgotten */
	uint64_t worst_wait_ns;
	uint64_t slow_waits; /* longer than a bounded re-check */
	uint64_t two_leaders, two_publishes, early, other_value, refused_seen,
		backward, over_bound, wrong[WRONGS];
	char first[256]; /* the first violation, in words */
};

void oracle_hear(struct oracle *o, const struct told *t, uint64_t bound_ns);
uint64_t oracle_violations(const struct oracle *o);

/* After the storm: the segment, the counters. */
struct audit {
	int findings; /* of verify; negative: it failed */
	uint64_t stuck_keys;
	uint64_t worst_ns; /* to finish a key */
	uint64_t uneven;   /* counters that do not add up */
	struct own own;    /* of all workers */
	/* Some counters, to tell what there was. */
	uint64_t reaps, takeovers, steals, rechecks, evictions, expelled;
	char first[256];
};

void audit_run(struct storm *st, uint64_t kills, struct audit *a);

#endif
