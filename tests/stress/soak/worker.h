/* SPDX-License-Identifier: MIT */
/* What the files of a worker share. */
#ifndef SOAK_WORKER_H
#define SOAK_WORKER_H

#include <sfshm.h>

#include "board.h"

/* One flight that this worker leads. */
struct led {
	struct sfshm_flight *flight;
	uint32_t key;
	uint32_t ttl_ms;
	uint64_t generation;
	uint64_t number; /* among all leaders */
	bool alone;      /* nobody else led it, or under its claim, meanwhile */
	bool to_itself;  /* marked as uncacheable */
	bool of_process; /* any thread may end it, ... */
	uint64_t task;   /* ... and it is for this task */
	uint64_t begun;  /* when, by the clock of the tags */
};

extern struct place *place;
extern struct sfshm *handle;
extern struct sfshm_result result;

/* Chooses how long a value lives. */
uint32_t ttl_choose(void);

/*
 * lead.c: works, and ends the flight. Returns what the end returned;
 * -EREMOTEIO: it has failed, -ECANCELED: it is released.
 */
int lead(struct led *l);
/* ... beside others, for a key that is marked as uncacheable. */
int lead_alone(struct led *l);
/* ... with nothing as the outcome. */
void lead_nothing(struct led *l);

/* task.c: flights of the process, and what is left behind. */
void lead_for_process(uint32_t key);
void leave(uint32_t key);

/* retry.c: sfshm_do() */
void run(uint32_t key);

#endif
