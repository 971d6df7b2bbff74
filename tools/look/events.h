/* SPDX-License-Identifier: MIT */
/*
 * The history of a segment: one table of all events that it still has, oldest
 * first.
 */
#ifndef LOOK_EVENTS_H
#define LOOK_EVENTS_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/inspect.h>

#include "look/text.h"

struct event {
	const char *name;
	struct sfshm_event_info info; /* but for the key's bytes */
	uint8_t *key;
};

struct events {
	struct event *list; /* by time */
	size_t count, room;
	/* The segment still has all events from this time on: [0] of flights
	   and waits, [1] the others. CLOCK_MONOTONIC, ns; 0: all that there
	   ever were. */
	uint64_t complete_since[2];
	/* The next number of each record's two rings; `known` records. */
	uint64_t (*next)[2];
	uint32_t known;
	uint64_t inode; /* of the segment that these numbers belong to */
};

/*
 * Reads the events that *events does not know yet, of keys that match the
 * pattern (NULL: all events). Returns 0 or a negated errno value.
 */
int events_read(struct events *events, struct sfshm_view *view,
		const char *pattern);

void events_free(struct events *events);

/* CLOCK_REALTIME less CLOCK_MONOTONIC, ns. */
int64_t events_offset(void);

/* "2026-11-30 22:57:07.123" of a time by CLOCK_MONOTONIC; returns `out`. */
const char *events_time(char out[TEXT_SIZE], uint64_t when, int64_t offset);

/* The event's key; or a part of the hash, if the key is not known any more. */
void event_key(struct cell *cell, const struct event *event);

/* The event as a line of text. */
void event_line(struct cell *cell, const struct event *event, int64_t offset);

/*
 * Since when the events are complete: of flights and waits (`rare` is 0), or of
 * the others.
 */
void events_head(struct cell *cell, const struct events *events, int rare,
		 int64_t offset);

#endif
