/* SPDX-License-Identifier: MIT */
/*
 * The operations at which the victim is killed, each in a state that matters.
 */
#ifndef CRASH_SCENARIO_H
#define CRASH_SCENARIO_H

#include "victim.h"

struct scenario;

/* A performance: the stage and who is on it. */
struct show {
	struct stage *st;
	const struct scenario *scenario;
	struct helper helper[STAGE_HELPERS];
	struct victim victim;
	bool beside; /* helper 1 waits beside the victim, and must get on */
};

typedef void (*scene_fn)(struct show *sh);

enum scenario_flags {
	MAY_BE_BUSY = 1 << 0, /* somebody else alive may lead the key */
	NO_SEGMENT = 1 << 1,  /* the victim makes the segment itself */
	NO_COPIES = 1 << 2,   /* only real kills */
	LETS_GO = 1 << 3,     /* the process may end */
	COMES_LATER = 1 << 4, /* the victim attaches after the deaths */
	REPLACES = 1 << 5,    /* the segment's file may be another one */
	DIES_ALONE = 1 << 6,  /* the victim's process lives on: x86-64 */
};

struct scenario {
	const char *name;
	const char *key;  /* to be finished by the survivor */
	scene_fn before;  /* the harness sets the scene */
	act_fn prepare;   /* the victim gets ready */
	scene_fn between; /* the harness, with the victim ready */
	act_fn operate;   /* the victim, step by step */
	scene_fn asleep;  /* the harness: the victim sleeps; wake it */
	scene_fn dies; /* another one dies, and the victim goes on; or NULL */
	finish_fn finish; /* the survivor, besides the key; or NULL */
	uint32_t flags;
};

/* By group; each list ends with a NULL name. */
extern const struct scenario flight_scenarios[];
extern const struct scenario moved_scenarios[];
extern const struct scenario put_scenarios[];
extern const struct scenario store_scenarios[];
extern const struct scenario life_scenarios[];
extern const struct scenario beside_scenarios[];
extern const struct scenario queue_scenarios[];
extern const struct scenario lock_scenarios[];
extern const struct scenario process_scenarios[];
extern const struct scenario save_scenarios[];
extern const struct scenario semaphore_scenarios[];
extern const struct scenario tag_scenarios[];
extern const struct scenario release_scenarios[];

/* What dies second, on a segment where somebody has died. */
extern const struct scenario second_scenarios[];

/* What victims have in their hands. */
extern struct sfshm *mine;
extern struct sfshm_flight my_flight;
extern struct sfshm_result my_result;
extern uint8_t my_data[STAGE_MAX_VALUE];

/*
 * While the victim sleeps: sends helper 1 to sleep behind it, by this letter.
 */
void show_other_waits(struct show *sh, char letter);

/* A helper holds the lock or both permits, and gives them back or dies. */
void show_lock_is_held(struct show *sh);
void show_lock_is_shared(struct show *sh);
void show_lock_comes_back(struct show *sh);
void show_holder_of_lock_dies(struct show *sh);
void show_permits_are_held(struct show *sh);
void show_permit_comes_back(struct show *sh);
void show_holder_of_permits_dies(struct show *sh);

/* The lock can be had, and all permits; `key` is A_KEY. */
const char *finish_lock(const struct stage *st, struct sfshm *h);
const char *finish_permits(const struct stage *st, struct sfshm *h);

/* For victims. */
void act_open(struct stage *st);
void act_attach(struct stage *st);
/* Opens it too: slots, granules and records are in use already. */
void act_warm(struct stage *st);
int act_begin(const char *key, uint32_t flags, uint32_t lock_age_ms);
void act_lead(struct stage *st, const char *key, uint32_t lock_age_ms);
void act_make(struct stage *st, const char *key, size_t len);
void act_publish(struct stage *st, size_t len);

/* Runs another thread of the victim's, which ends with act_stay(). */
void act_beside(struct stage *st, void *(*run)(void *));
void *act_stay(void *unused);

/* For act_beside(): the other thread attaches, and stays. */
void *act_attach_and_stay(void *st);

#define A_KEY "the key"
#define A_LOCK_KEY "the lock"
#define A_LONG_KEY "a key that is longer than what a slot has room for, by far"

#endif
