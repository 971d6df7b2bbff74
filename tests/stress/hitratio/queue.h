/* SPDX-License-Identifier: MIT */
/*
 * A queue of keys, linked both ways by key: each key is in one queue at most.
 */
#ifndef HITRATIO_QUEUE_H
#define HITRATIO_QUEUE_H

#include <stdint.h>

#define NO_KEY UINT32_MAX

struct links {
	uint32_t newer, older;
};

struct queue {
	uint32_t newest, oldest, n;
};

static inline void queue_init(struct queue *q)
{
	q->newest = q->oldest = NO_KEY;
	q->n = 0;
}

static inline void queue_push(struct queue *q, struct links *links,
			      uint32_t key)
{
	links[key].older = q->newest;
	links[key].newer = NO_KEY;
	if (q->newest != NO_KEY)
		links[q->newest].newer = key;
	else
		q->oldest = key;
	q->newest = key;
	q->n++;
}

static inline void queue_remove(struct queue *q, struct links *links,
				uint32_t key)
{
	struct links l = links[key];

	if (l.newer != NO_KEY)
		links[l.newer].older = l.older;
	else
		q->newest = l.older;
	if (l.older != NO_KEY)
		links[l.older].newer = l.newer;
	else
		q->oldest = l.newer;
	q->n--;
}

#endif
