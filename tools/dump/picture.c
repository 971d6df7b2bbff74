/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <errno.h>
#include <inttypes.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/fault.h"
#include "filter.h"

static void counters_read(struct picture *picture)
{
	struct picture_counter *counter = picture->counters;
	uint32_t i;

	for (i = 0; i < PICTURE_COUNTERS_MAX; i++, counter++)
		if (sfshm_view_counter(picture->view, i, &counter->name,
				       &counter->help, &counter->value))
			break;
	picture->counters_count = i;
}

static int participants_walk(struct picture *picture,
			     const struct picture_format *format)
{
	struct sfshm_participant_info info = { .size = sizeof(info) };
	uint32_t i;

	for (i = 0; i < picture->segment.participants_used; i++) {
		int r = sfshm_view_participant(picture->view, i, &info);

		if (r == -EBADMSG)
			picture->damaged++;
		else if (r)
			return r;
		else if (info.attached)
			format->participant(picture, &info);
	}
	format->participants_end(picture);
	return 0;
}

static int slots_walk(struct picture *picture,
		      const struct picture_format *format)
{
	struct sfshm_slot_info info = { .size = sizeof(info) };
	uint32_t i;

	for (i = 0; i < picture->segment.slots_used; i++) {
		int r = sfshm_view_slot(picture->view, i, &info);

		if (r == -EBADMSG) {
			picture->damaged++;
			format->slot_damaged(picture, i);
		} else if (r) {
			return r;
		} else if (filter_is_key(&info)) {
			picture->keys++;
			if (!filter_wants(picture->options, &info))
				continue;
			picture->shown++;
			format->slot(picture, &info);
		}
	}
	return 0;
}

static int picture_walk(struct picture *picture,
			const struct picture_format *format)
{
	int r;

	format->begin(picture);
	r = participants_walk(picture, format);
	if (!r)
		r = slots_walk(picture, format);
	if (!r)
		format->end(picture);
	return r;
}

int picture_take(const struct options *options)
{
	const struct picture_format *format = options->json ? &picture_json :
							      &picture_table;
	struct picture picture = {
		.options = options,
		.segment.size = sizeof(picture.segment),
	};
	char why[256] = "";
	int r;

	fault_guard(options->segment);
	r = sfshm_view_open(&picture.view, options->segment, why, sizeof(why));
	if (r)
		return args_segment_failed(options->segment, r, why);
	r = sfshm_view_segment(picture.view, &picture.segment);
	if (!r) {
		counters_read(&picture);
		r = picture_walk(&picture, format);
	}
	sfshm_view_close(picture.view);
	if (args_flush())
		return ARGS_EXIT_FAILURE;
	if (r)
		return args_segment_failed(options->segment, r, why);
	if (picture.damaged) {
		complain("%s: %" PRIu64 " damaged record%s; "
			 "run sfshm-ctl verify, or make the segment anew",
			 options->segment, picture.damaged,
			 picture.damaged == 1 ? "" : "s");
		return ARGS_EXIT_FAILURE;
	}
	return 0;
}
