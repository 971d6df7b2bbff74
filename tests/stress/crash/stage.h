/* SPDX-License-Identifier: MIT */
/*
 * A stage: one segment, and the processes that play on it.
 *
 * The harness itself never plays. It starts helpers, which do as they are
 * cued, and a victim, which it steps and kills. The stage is in memory that
 * all of them share, and survives them.
 */
#ifndef CRASH_STAGE_H
#define CRASH_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sfshm/flight.h>
#include <sfshm/segment.h>

#define STAGE_KEYS 64
#define STAGE_HELPERS 3
#define STAGE_CLAIM "the claim"
#define STAGE_TAG "the tag"

/* Small, so that everything runs short: values of 16 KiB in all. */
#define STAGE_SLOTS 24
#define STAGE_PARTICIPANTS 16
#define STAGE_BYTES (16 << 10)
#define STAGE_MAX_VALUE (8 << 10)

/* Where the victim is. */
enum place { BEFORE, INSIDE, AFTER };

struct stage {
	char path[128];
	uint32_t place;
	uint32_t keys;
	struct {
		char key[128];
		uint64_t led;       /* the highest generation that began */
		uint64_t published; /* ... that ended with a value */
	} key[STAGE_KEYS];
	uint32_t finished; /* finishes by a survivor, after this death */
	/*
	 * The lock: the generation of its last hold; whether its next holder
	 * must learn of a death; whether a helper holds it.
	 */
	struct {
		uint64_t generation;
		uint32_t owed, helper_has_it;
	} lock;
	/* The highest generation of a value without STAGE_TAG; and of one that
	   is stale because an invalidation of STAGE_TAG has returned. */
	struct {
		uint64_t without, outdated;
	} tag;
	/*
	 * Futex words of the mutexes of those who die once the victim is ready,
	 * or, with COMES_LATER, before it is.
	 */
	uint32_t dies[STAGE_PARTICIPANTS];
	uint32_t other_ends; /* futex word: 1: the victim's other thread ends */
	char wrong[256];     /* what somebody had to complain about */
};

/* A folder of its own for this run's segments; removed at its end. */
void stage_folder(void);
void stage_folder_remove(void);

struct stage *stage_make(void);
void stage_free(struct stage *st);

/* A path in the folder that nothing has. */
void stage_path(char *path, size_t size);

/* Makes the stage's segment, empty. */
void stage_create(struct stage *st);

/* Opens it; for whoever plays. */
struct sfshm *stage_open(const struct stage *st);

/* What a survivor finishes besides a key; NULL, or what is wrong. */
typedef const char *(*finish_fn)(const struct stage *st, struct sfshm *h);

/* Notes that a flight has begun, and that it has ended with a value. */
void stage_note_led(struct stage *st, const char *key, uint64_t generation);
void stage_note_published(struct stage *st, const char *key,
			  uint64_t generation);
uint64_t stage_led(struct stage *st, const char *key);

/* If the condition does not hold, ends the process; the harness tells of it. */
#define insist(st, condition)                                              \
	do {                                                               \
		if (!(condition))                                          \
			stage_wrong((st), __FILE__, __LINE__, #condition); \
	} while (0)
void stage_wrong(struct stage *st, const char *file, int line, const char *what)
	__attribute__((noreturn));

/* A helper: a process that does what the letters say, and answers each. */
struct helper {
	pid_t pid; /* 0: none */
	int fd;
};

/*
 * The letters: a attaches; l leads the key, L does with a lock age of 1 ms, c
 * does under STAGE_CLAIM; w asks and waits, t for 1 ms and in vain; p publishes
 * 40 bytes, P 300, U for itself alone; f fails, r releases; n pins, u unpins; x
 * forgets; i invalidates STAGE_TAG; k locks the key, h shared, o unlocks, K
 * does both; s takes a permit, of two, z gives one back.
 */
struct helper helper_start(struct stage *st, const char *key);

/* One letter; waits for the answer. */
void helper_cue(struct stage *st, struct helper *h, char letter);

/* One letter, without waiting; helper_answered() waits for the answer. */
void helper_cue_only(struct helper *h, char letter);

/* A process's state as /proc has it; and whether it sleeps in the kernel. */
char stage_state(pid_t pid);
bool stage_asleep(pid_t pid);
bool helper_answered(struct helper *h, int timeout_ms);

void helper_kill(struct helper *h);

/* CLOCK_MONOTONIC, ns. */
uint64_t clock_ns(void);

/* Values that tell whether they are whole. */
void pattern_fill(uint8_t *data, size_t len, unsigned int seed);
bool pattern_whole(const uint8_t *data, size_t len, unsigned int *seed);

#endif
