/* SPDX-License-Identifier: MIT */
/* Finding the semaphore that a public call is about. */
#ifndef TOP_LOOKUP_H
#define TOP_LOOKUP_H

#include <sfshm/semaphore.h>

#include "sync/semaphore.h"
#include "top/handle.h"

/* The semaphore that a call is about, and where it was found. */
struct lookup {
	struct sfshm *handle;
	const void *name;
	size_t len;
	uint32_t max; /* for a new semaphore */
	/* options that ask for a rank or a permit of the process, or NULL */
	const struct sfshm_semaphore_options *odd;
	struct acquire *wait;
	struct peer *p;
	struct semaphore *s; /* result: the semaphore to use */
	uint32_t *hint;      /* result: index of the permit to try first */
	/* lookup_slowly() found `here` in the segment itself, and `before` in
	   its predecessor. */
	struct semaphore here, before;
	bool is_here, is_before;
	uint32_t first;
};

/*
 * Finds the semaphore in the handle's segment and its predecessor. With
 * `may_make`, makes a missing one; with `try`, does not wait for another caller
 * that makes it. Returns 0, MOVED or an error.
 */
int lookup_slowly(struct lookup *w, bool may_make, bool try);

#endif
