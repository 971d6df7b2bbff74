/* SPDX-License-Identifier: MIT */
/* What the files of a worker share: who it is, what it tells, how it asks. */
#ifndef STORM_WORKER_H
#define STORM_WORKER_H

#include <sfshm/flight.h>

#include "storm.h"

extern struct storm *storm;
extern struct own *own;
extern struct sfshm *h;
extern uint32_t worker_number;
extern struct sfshm_result result;
/* A value that is made; by the thread that leads. */
extern uint8_t data[STORM_MAX_VALUE];

void tell(enum kind kind, uint32_t key, int outcome, uint64_t generation,
	  uint64_t id, uint64_t ns);
void one_more(uint64_t *n);

/* worker.c: asks for a key, and tells what it got. True: it leads. */
bool ask(uint32_t key, const struct sfshm_policy *policy,
	 struct sfshm_flight *flight);
void get(uint32_t key);
/* ... looks at a value that was got. */
void see(uint32_t key, const uint8_t *bytes, size_t len, int source,
	 uint64_t ns);
/* ... tells what a call answered that does not lead. */
void see_answer(uint32_t key, int r, uint64_t ns);
void see_failure(uint32_t key, uint64_t ns);

/* policy.c */
void choose_policy(struct sfshm_policy *p, uint32_t key);

/*
 * lead.c: does the work, and ends the flight. Returns what the end returned;
 * -EREMOTEIO: it has failed, -ECANCELED: it is released.
 */
int lead(uint32_t key, struct sfshm_flight *f);

/* put.c: values and invalidations from beside. */
void put(uint32_t key);
void invalidate(uint32_t key);
void invalidate_tag(void);

/* hold.c and share.c */
void see_wait(uint32_t key, int r, uint64_t ns);
void hold_lock(uint32_t n);
void hold_permit(void);
void remove_semaphore(void);
void share_lock(uint32_t n);
/* This process holds the lock alone, and so nobody shares it. */
void look_for_sharers(uint32_t n);
void forget_sharing(void);

/* detached.c and left.c: flights of the process, and what a task leaves. */
void lead_for_process(uint32_t key);
void leave_task(uint32_t key);
void leave_thread(uint32_t key);

/* retry.c: sfshm_do() */
void run(uint32_t key);

#endif
