/* SPDX-License-Identifier: MIT */
/* What the files of a worker share: who it is, and what it tells. */
#ifndef STORM_WORKER_H
#define STORM_WORKER_H

#include "storm.h"

struct sfshm;

extern struct storm *storm;
extern struct own *own;
extern struct sfshm *h;

void tell(enum kind kind, uint32_t key, int outcome, uint64_t generation,
	  uint64_t id, uint64_t ns);
void one_more(uint64_t *n);

/* hold.c */
void hold_lock(uint32_t n);
void hold_permit(void);
void remove_semaphore(void);

#endif
