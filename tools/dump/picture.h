/* SPDX-License-Identifier: MIT */
/*
 * One picture of a segment: a walk over all its contents, record by record, so
 * that a million slots need no more memory than one. The format decides how the
 * picture looks.
 */
#ifndef DUMP_PICTURE_H
#define DUMP_PICTURE_H

#include "options.h"

#define PICTURE_COUNTERS_MAX 128

struct picture_counter {
	const char *name;
	const char *help;
	uint64_t value;
};

struct picture {
	const struct options *options;
	struct sfshm_view *view;
	struct sfshm_segment_info segment;
	unsigned int counters_count;
	struct picture_counter counters[PICTURE_COUNTERS_MAX];
	uint64_t keys;    /* slots that hold a key, so far */
	uint64_t shown;   /* of these, slots that the user asked for */
	uint64_t damaged; /* damaged records */
};

/*
 * The walk calls these in this order: `participant`, and then `slot` and
 * `slot_damaged`, any number of times, the others once.
 */
struct picture_format {
	void (*begin)(const struct picture *picture);
	void (*participant)(const struct picture *picture,
			    const struct sfshm_participant_info *info);
	void (*participants_end)(const struct picture *picture);
	void (*slot)(const struct picture *picture,
		     const struct sfshm_slot_info *info);
	void (*slot_damaged)(const struct picture *picture, uint32_t index);
	void (*end)(const struct picture *picture);
};

extern const struct picture_format picture_table;
extern const struct picture_format picture_json;

/*
 * Writes a picture of options->segment to stdout. Returns the status to exit
 * with, after a complaint if need be.
 */
int picture_take(const struct options *options);

#endif
