/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/fault.h"
#include "html.h"
#include "look/phase.h"

/* The slots that the picture has shown already; NULL: none. */
struct seen {
	unsigned char *bits;
	uint64_t shown; /* keys, so far */
};

static void seen_add(struct seen *seen, uint32_t index)
{
	seen->bits[index / 8] |= (unsigned char)(1u << index % 8);
}

static int seen_has(const struct seen *seen, uint32_t index)
{
	return seen->bits && seen->bits[index / 8] >> index % 8 & 1;
}

static int participants_walk(struct picture *picture,
			     const struct picture_format *format)
{
	struct sfshm_participant_info info = { .size = sizeof(info) };

	for (uint32_t i = 0; i < picture->survey->segment.participants_used;
	     i++) {
		int r = sfshm_view_participant(picture->view, i, &info);

		if (r)
			return r;
		if (info.attached)
			format->participant(picture, &info);
	}
	format->participants_end(picture);
	return 0;
}

static int is_full(const struct picture *picture, const struct seen *seen)
{
	return picture->options->limit &&
	       seen->shown >= picture->options->limit;
}

/* Shows the slot if the user wants it, or if it is damaged. */
static int slot_show(struct picture *picture,
		     const struct picture_format *format, struct seen *seen,
		     uint32_t index)
{
	static struct sfshm_slot_info info = { .size = sizeof(info) };
	int r = phase_view_slot(picture->view, index, &info);

	if (r == -EBADMSG) {
		picture->damaged++;
		format->slot_damaged(picture, index);
		return 0;
	}
	if (r || !phase_is_key(&info) || is_full(picture, seen) ||
	    !filter_wants(&picture->options->filter, picture->view, &info))
		return r;
	seen->shown++;
	format->slot(picture, &info);
	return 0;
}

/* Shows the rows that the survey has noted, in their order. */
static int rows_walk(struct picture *picture,
		     const struct picture_format *format, struct seen *seen)
{
	const struct rows *rows = &picture->survey->rows;
	int r = 0;

	if (!rows->count)
		return 0;
	seen->bits = calloc(picture->survey->segment.slots_used / 8 + 1, 1);
	if (!seen->bits)
		return -ENOMEM;
	for (size_t i = 0; i < rows->count && !r; i++) {
		seen_add(seen, rows->row[i].index);
		r = slot_show(picture, format, seen, rows->row[i].index);
	}
	return r;
}

static int slots_walk(struct picture *picture,
		      const struct picture_format *format)
{
	struct seen seen = { 0 };
	int r = rows_walk(picture, format, &seen);

	for (uint32_t i = 0; i < picture->survey->segment.slots_used && !r; i++)
		if (!seen_has(&seen, i))
			r = slot_show(picture, format, &seen, i);
	free(seen.bits);
	if (!r)
		format->slots_end(picture);
	return r;
}

static int picture_walk(struct picture *picture,
			const struct picture_format *format)
{
	int r = 0;

	format->begin(picture);
	if (format->slots_first)
		r = slots_walk(picture, format);
	if (!r)
		r = participants_walk(picture, format);
	if (!r && !format->slots_first)
		r = slots_walk(picture, format);
	if (!r)
		format->end(picture);
	return r;
}

/* Which rows the survey is to note: those that come before the others. */
static enum survey_rows rows_wanted(const struct options *options)
{
	if (options->sort)
		return SURVEY_ALL;
	return options->json && !options->limit ? SURVEY_NONE : SURVEY_URGENT;
}

static int survey_and_walk(struct picture *picture)
{
	static struct survey survey;
	struct options *options = picture->options;
	int r = survey_take(&survey, picture->view, &options->filter,
			    rows_wanted(options), options->sort);

	if (r)
		return r;
	if (options->sort)
		rows_sort(&survey.rows, options->descending);
	else if (rows_sort_urgent(&survey.rows))
		return -ENOMEM;
	picture->survey = &survey;
	return picture_walk(picture, options->html ? &picture_html :
				     options->json ? &picture_json :
						     &picture_table);
}

int picture_take(struct options *options)
{
	struct picture picture = { .options = options };
	int to_file = options->html && strcmp(options->html, "-") != 0;
	char why[256] = "";
	int r;

	fault_guard(options->segment);
	clock_gettime(CLOCK_REALTIME, &picture.taken_at);
	r = sfshm_view_open(&picture.view, options->segment, why, sizeof(why));
	if (r)
		return args_segment_failed(options->segment, r, why);
	if (to_file && html_begin_file()) {
		sfshm_view_close(picture.view);
		return ARGS_EXIT_FAILURE;
	}
	r = survey_and_walk(&picture);
	sfshm_view_close(picture.view);
	if (args_flush())
		return ARGS_EXIT_FAILURE;
	if (r)
		return args_segment_failed(options->segment, r, why);
	if (to_file && html_end_file(options->html))
		return ARGS_EXIT_FAILURE;
	if (picture.damaged) {
		complain("%s: %" PRIu64 " damaged record%s; "
			 "run sfshm-ctl verify, or make the segment anew",
			 options->segment, picture.damaged,
			 picture.damaged == 1 ? "" : "s");
		return ARGS_EXIT_FAILURE;
	}
	return 0;
}
