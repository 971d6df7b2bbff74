/* SPDX-License-Identifier: MIT */
/*
 * One picture of a segment: a survey, and then a walk over the participants and
 * the keys, record by record, so that a million slots take little memory. The
 * format decides how the picture looks.
 */
#ifndef DUMP_PICTURE_H
#define DUMP_PICTURE_H

#include <time.h>

#include "look/survey.h"
#include "options.h"

struct picture {
	struct options *options;
	struct sfshm_view *view;
	struct timespec taken_at; /* CLOCK_REALTIME */
	const struct survey *survey;
	uint64_t damaged; /* damaged records, so far */
};

/*
 * The walk calls `begin`; `participant` and `slot` or `slot_damaged` any number
 * of times, with participants_end after the last participant and slots_end
 * after the last slot; and `end`. Slots come before participants if the format
 * says so.
 */
struct picture_format {
	int slots_first;
	void (*begin)(const struct picture *picture);
	void (*participant)(const struct picture *picture,
			    const struct sfshm_participant_info *info);
	void (*participants_end)(const struct picture *picture);
	void (*slot)(const struct picture *picture,
		     const struct sfshm_slot_info *info);
	void (*slot_damaged)(const struct picture *picture, uint32_t index);
	void (*slots_end)(const struct picture *picture);
	void (*end)(const struct picture *picture);
};

extern const struct picture_format picture_table;
extern const struct picture_format picture_json;

/*
 * Writes a picture of options->segment to stdout. Returns the status to exit
 * with, after a complaint if need be.
 */
int picture_take(struct options *options);

#endif
