/* SPDX-License-Identifier: MIT */
/* The open segment, and the facts about it that a leader needs. */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include <stdint.h>
#include <sfshm.h>

#include "options.h"

struct session {
	struct sfshm *handle;
	uint32_t max_value; /* bytes */
	int lock_fd;        /* for the run lock */
};

/*
 * With --owner, a name is one of that user's segments: replaces it by its path,
 * in `path`, which has PATH_MAX bytes.
 */
void session_resolve(struct options *options, char *path);

/*
 * Opens the segment, and makes it if it is missing. Returns 0, or a negated
 * errno value and a line about the failure in `why`.
 */
int session_open(struct session *session, const struct options *options,
		 char *why, size_t why_size);

#endif
