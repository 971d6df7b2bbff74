/* SPDX-License-Identifier: MIT */
/*
 * A survey of a segment: one walk over its participants and slots, which counts
 * them and notes the rows to show.
 */
#ifndef LOOK_SURVEY_H
#define LOOK_SURVEY_H

#include <stdint.h>
#include <sfshm/inspect.h>

#include "look/filter.h"
#include "look/histogram.h"
#include "look/phase.h"
#include "look/rows.h"

#define SURVEY_COUNTERS_MAX 128
#define SURVEY_TIMES_MAX 8

struct survey_counter {
	const char *name;
	const char *help;
	uint64_t value;
};

/* A histogram that the segment keeps. */
struct survey_times {
	const char *name;
	const char *help;
	struct sfshm_histogram_info info;
};

/* The keys that the filter chooses, for limits on them. */
struct survey_chosen {
	uint64_t keys;
	uint64_t failed, dead;
	uint32_t deaths;   /* the most in a row */
	uint32_t waiters;  /* the most of a key */
	int64_t busy_ms;   /* the longest flight or hold; -1: none */
	int64_t idle_ms;   /* the longest that a live leader was idle */
	uint8_t key[1024]; /* the key with the most waiters, or else with the
				longest flight */
	uint32_t key_len;  /* 0: none */
};

struct survey {
	struct sfshm_segment_info segment;
	uint32_t counters_count;
	struct survey_counter counters[SURVEY_COUNTERS_MAX];
	uint32_t times_count;
	struct survey_times times[SURVEY_TIMES_MAX];

	/* Threads. */
	uint64_t alive, dead, waiting;

	/* Keys. */
	uint64_t keys, busy, dead_keys, awaited, failed, damaged;
	uint64_t took_us, took_count; /* of the values whose time is known */
	struct histogram took;        /* us */
	struct histogram waits; /* ms that flights with waiters have lasted, for
				   each waiter: no waiter has waited longer */

	uint64_t by_kind[SFSHM_KIND_SAVE + 1][PHASE_DEAD + 1]; /* keys */
	uint64_t waiters;  /* asleep or polled, of all keys */
	int64_t oldest_ms; /* the longest flight or hold; -1: none */

	struct survey_chosen chosen;
	struct rows rows;
};

enum survey_rows {
	SURVEY_URGENT, /* keys that are busy, awaited or failed */
	SURVEY_ALL,
	SURVEY_NONE,
};

/*
 * Fills *survey, which keeps its memory for rows from the last survey. Notes
 * rows of the keys that the filter chooses, to be sorted by the column, or by
 * urgency if that is NULL. Returns 0, or a negated errno value.
 */
int survey_take(struct survey *survey, struct sfshm_view *view,
		struct filter *filter, enum survey_rows which,
		const struct column *by);

void survey_free(struct survey *survey);

/* The counter of that name; 0 for other names. */
uint64_t survey_counter(const struct survey *survey, const char *name);

/* Counts the calls that were answered without a run of the work. */
uint64_t survey_saved_calls(const struct survey *survey);

/*
 * An estimate of the time that the work would have run for these calls: as long
 * for each as it took on average for the values that the segment has. In ms.
 */
uint64_t survey_saved_ms(const struct survey *survey);

#endif
