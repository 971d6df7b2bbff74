/* SPDX-License-Identifier: MIT */
/*
 * The soak's processes share a board in memory of their own, not in the
 * segment under test, and a pipe to the oracle.
 *
 *   main     starts the others, kills, stops and continues them, counts
 *   workers  use the segment, and report what they publish and read
 *   oracle   keeps what was published, and judges what was read
 *   resizer  replaces the segment, one at a time
 */
#ifndef SOAK_BOARD_H
#define SOAK_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sfshm/result.h>

#include "common/random.h"
#include "common/tags.h"
#include "common/value.h"

#define WORKERS 16
#define MOST_SLOTS 256
#define KEYS (10 * MOST_SLOTS)
/* Each of these keys may be taken from a leader that is late. */
#define LEASED(key) ((key) % 8 == 0)
#define LEASE_MS 30
/* These may be taken from any leader, by puts and hard invalidations. */
#define TAKEN(key) ((key) % 8 == 4)
#define LOSABLE(key) (LEASED(key) || TAKEN(key))
/* The leaders of these may mark them as uncacheable. */
#define UNCACHED(key) ((key) % 8 == 6)
/* The callers for these have a claim key. */
#define CLAIMED(key) ((key) % 8 == 2)
#define CLAIMS 4
#define CLAIM_OF(key) ((key) / 8 % CLAIMS)
/* Large values of these are read and replaced all the time. */
#define HOT(key) ((key) < 3)

/* Two are named, one is a file's path, one is a file itself. */
#define LOCKS 4
/* The lock and the semaphore that a thread leaves. */
#define LEFT "left"

/* Flights whose ends are remembered. */
#define ENDED (1 << 16)

enum tally {
#define TALLY(name, text) TALLY_##name,
#include "tally.def"
#undef TALLY
	TALLIES
};

/* One worker's place; its processes come and go. */
struct place {
	pid_t pid;
	uint32_t calls; /* that it has made; by the worker */
	/* The flight that it leads; by the worker. */
	uint32_t led_key;
	uint64_t led;  /* its number among all; 0: none */
	uint32_t seen; /* what follows is main's */
	uint64_t seen_tick;
	uint64_t wakes_ms; /* stopped until then; 0: it runs */
};

struct board {
	char segment[64];
	uint32_t stop;    /* workers: come to an end */
	uint32_t resizes; /* begun so far */
	uint64_t tally[TALLIES];
	uint64_t violations;
	/* The highest generation that a reader of the key has met. */
	uint64_t highest[KEYS];
	/*
	 * The highest generation that a leader of the key has had. A leader
	 * that was stopped before it says so says it late: its flight may be
	 * another process's by then, which has a higher generation.
	 */
	uint64_t leading[KEYS];
	uint64_t leaders;          /* each leader takes a number */
	uint64_t claimant[CLAIMS]; /* the last one's, under each claim */
	uint64_t puts;
	/*
	 * By key: when the value was last renewed, by the clock of the tags.
	 * From then on its generation may differ from its stamp's.
	 */
	uint64_t renewed[KEYS];
	struct tags tags;
	/*
	 * By lock and place: the pid << 32 of the process that holds the lock,
	 * a number that changes with each hold, and enum hold in two bits. Main
	 * clears what a dead process leaves.
	 */
	uint64_t holds[LOCKS][WORKERS];
	/*
	 * At the place of a flight's number: the flight ended, its leader
	 * alive.
	 */
	uint64_t ended[ENDED];
	struct place places[WORKERS];
};

extern struct board *board;

void count(enum tally what);
/*
 * The caller is about to ask for the key: what it gets must not be of an
 * earlier generation, and be fresh only if no tag says otherwise.
 */
uint64_t floor_of(uint32_t key);
uint64_t now_ms(void);

/* Something was wrong: one line for people, and the soak fails. */
void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* report.c: to the oracle, in the order in which things happen. */
enum event_type { EVENT_PUBLISHING, EVENT_REFUSED, EVENT_READ };
struct event {
	uint32_t type;
	uint32_t key;
	uint64_t generation;
	uint64_t sum;
};
void report_begin(int fd);
void report(enum event_type type, uint32_t key, uint64_t generation,
	    uint64_t sum);
void report_flush(void);

/* judge.c: what any process can tell by itself about what it gets. */
struct sfshm;
/*
 * A value of a call begun when `floor` was the highest generation that anybody
 * had met: it must not be an earlier one. Reported to the oracle as well.
 */
void judge_value(uint32_t key, const struct sfshm_result *result,
		 const void *data, uint64_t floor);
void judge_failure(uint32_t key, const struct sfshm_result *result);
/* What a look for a fresh result has answered. */
void judge_look(uint32_t key, int r, const struct sfshm_result *result,
		uint64_t floor);
/* ... and a call with this policy, which does not lead. */
struct sfshm_policy;
void judge_answer(uint32_t key, int r, const struct sfshm_policy *policy,
		  const struct sfshm_result *result, uint64_t floor);
/* Gets a key without waiting and judges it. True: there was a value. */
bool key_read(struct sfshm *handle, uint32_t key, struct sfshm_result *result);

/*
 * pause.c: from now on this process sleeps now and then, anywhere; if it
 * `walks`, mostly on its way through the table.
 */
void pause_often(bool walks);

/* policy.c: `key` is for the checks, and outlives the policy. */
void policy_choose(struct sfshm_policy *policy, uint32_t *key, uint32_t ttl_ms);
bool policy_takes_stale(const struct sfshm_policy *policy);
/* What a call that neither leads nor has a result may say. */
bool policy_lets_say(const struct sfshm_policy *policy, int r);
bool is_nothing(int r);
/* Fired at any time: by the timer of pause.c, too. */
extern struct sfshm_cancel policy_token;

/* locks.c: a lock, alone or shared; the files are main's. */
bool locks_begin(void);
void locks_end(void);
/*
 * When nobody is left: removes the notes of deaths and the semaphores, so that
 * they take no slots.
 */
void lock_clear(struct sfshm *handle, const char *name, size_t len);
void semaphore_clear(struct sfshm *handle, const char *name, size_t len);
void locks_clear(struct sfshm *handle);
void lock_act(struct sfshm *handle, unsigned int mine);
void locks_forget(unsigned int at);

/* others.c: one call of another kind; nest.c: waits while it holds things. */
void others_act(struct sfshm *handle, uint32_t key,
		struct sfshm_result *result);
void invalidate(struct sfshm *handle, uint32_t key);
void nest(struct sfshm *handle, bool in_order);
/* When nobody is left: as locks_clear(). */
void nest_clear(struct sfshm *handle);

/* grip.c: the pins that a worker holds. */
void grips_take(struct sfshm *handle, uint32_t key);
void grips_look(void);
void grips_drop(unsigned int keep);

/* Each is a process's whole life; they return their exit status. */
int worker_main(unsigned int number, uint64_t seed);
int oracle_main(int fd);
int resizer_main(uint64_t seed);

/* chaos.c: the others' lives and deaths, for so many seconds. */
void chaos_run(unsigned int seconds);
void oracle_end(void);

/* ending.c: what the segment holds when all is over. `tool`: sfshm-ctl. */
void ending_check(const char *tool);

#endif
