/* SPDX-License-Identifier: MIT */
/*
 * A benchmark measures two ways of doing the same thing, ours and a peer's, in
 * short turns of one run, so that other work on the machine disturbs both.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <sfshm.h>

struct bench {
	const char *name;
	const char *peer;
	const char *what; /* one operation, for people */
	double target;    /* for the ratio ours/peer; 0: there is none */
	uint64_t size;    /* the case's own parameter */
	uint64_t key;     /* bytes of a key: BENCH_KEY_LONG; 0: BENCH_KEY */
	uint64_t value;   /* bytes of a value, where it is not BENCH_VALUE */
	uint64_t batch;   /* operations in a turn at most */
	int turns;        /* of each side in a round; 0: the usual number */
	int rounds;       /* at most; 0: the usual number */
	int turn_ms;      /* how long a turn takes; 0: the usual time */
	bool anew;        /* prepare the case again for each round */
	/* Returns NULL, or why the case cannot run here. */
	const char *(*prepare)(const struct bench *b);
	/* These do the operation `n` times and return the ns that it took. */
	uint64_t (*ours)(const struct bench *b, uint64_t n);
	uint64_t (*theirs)(const struct bench *b, uint64_t n);
	void (*clean_up)(const struct bench *b);
};

/*
 * For cases in which the processor's caches have room for the memory of one
 * side but not of both. These turns are so long that the caches hold the memory
 * of the turn's own side for most of the turn.
 */
#define BENCH_LARGE_BATCH 4000000
#define BENCH_LARGE_TURNS 3
#define BENCH_LARGE_MS 300

/* The result of a case: ns for one operation, and ratios ours/peer. */
struct figures {
	double ours, theirs;      /* medians */
	double ratio;             /* median of the rounds' ratios */
	double lower, upper;      /* the middle half of those ratios */
	double smallest, biggest; /* of those ratios */
};

/* Measures a prepared case in `rounds` rounds at most. */
void bench_measure(const struct bench *b, int rounds, struct figures *f);

/* Whether a signal has come. The benchmark checks this between turns. */
bool bench_interrupted(void);

/* All cases, each list ended by one without a name. */
extern const struct bench hit_benches[], bare_benches[], lmdb_benches[];
extern const struct bench flight_benches[], insert_benches[];
extern const struct bench lock_benches[], wake_benches[], takeover_benches[];
extern const struct bench herd_benches[], attach_benches[], scale_benches[];
extern const struct bench poll_benches[], run_benches[], server_benches[],
	huge_benches[], shared_benches[];

/* The points of the curves, each list for one picture. */
extern const struct bench hit_by_keys[], hit_by_value[];
extern const struct bench hit_by_participants[], wake_by_waiters[];

/* Draws the curves into a folder. */
void bench_plot(const char *folder, int rounds);

uint64_t bench_now(void); /* CLOCK_MONOTONIC, ns */

/* Makes the benchmark's own segment, removed at exit. Exits on failure. */
struct sfshm *bench_segment(const struct sfshm_options *o);
void bench_segment_close(void);
/* Closes the handle. The segment stays until bench_segment_close(). */
void bench_segment_let_go(void);
const char *bench_segment_name(void);

/* Ends the program with one line. */
void bench_die(const char *what, int error) __attribute__((noreturn));

/* 24-byte keys by number, and a value of 64 bytes. */
#define BENCH_KEY 24
#define BENCH_VALUE 64
void bench_key(char *key, uint64_t number);

/*
 * Makes a key of BENCH_KEY or BENCH_KEY_LONG bytes. Keys differ at their ends.
 */
#define BENCH_KEY_LONG 40
void bench_key_of(char *key, uint64_t bytes, uint64_t number);

/*
 * The keys that a case asks for, in their order: chosen at random among `most`
 * keys, the same in each run. bench_next() returns one after the other, and
 * after the last key the first one again.
 */
struct bench_keys {
	char *at, *end;
	uint64_t bytes; /* of each */
	const char *next[2];
};
void bench_keys_make(struct bench_keys *keys, uint64_t bytes, uint64_t most);
void bench_keys_free(struct bench_keys *keys);

static inline const char *bench_next(struct bench_keys *keys, int side)
{
	const char *next = keys->next[side];

	keys->next[side] += keys->bytes;
	if (keys->next[side] == keys->end)
		keys->next[side] = keys->at;
	return next;
}

/*
 * Publishes `count` keys of `key_bytes` bytes, each with a value of
 * `value_bytes` bytes that has no end of its lifetime.
 */
void bench_fill(struct sfshm *h, uint64_t count, uint64_t key_bytes,
		uint64_t value_bytes);

/* Looks `n` keys up and returns the ns it took; ends the program at a miss. */
uint64_t bench_hits(struct sfshm *h, struct bench_keys *keys, int side,
		    uint64_t n);

/* Memory that forked processes share; zeroed. */
void *bench_share(uint64_t bytes);

/* These make an empty folder in /dev/shm, and remove it with its files. */
void bench_folder(char *path, uint64_t size);
void bench_folder_remove(const char *path);

/* The path of `name` in this program's folder; false: it is not there. */
bool bench_beside(char *path, uint64_t size, const char *name);

/* Keeps a result from being optimised away. */
static inline void bench_use(const void *p)
{
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

#endif
