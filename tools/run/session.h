/* SPDX-License-Identifier: MIT */
/* The open segment, and the facts about it that a leader needs. */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include <stdint.h>
#include <sfshm.h>

struct session {
	struct sfshm *handle;
	uint32_t max_value; /* bytes */
	int lock_fd;        /* for the run lock */
};

/*
 * Opens the segment, and makes it if it is missing. Returns 0, or a negated
 * errno value and a line about the failure in `why`.
 */
int session_open(struct session *session, const char *segment, char *why,
		 size_t why_size);

#endif
