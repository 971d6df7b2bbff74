/* SPDX-License-Identifier: MIT */
/* The charts of an HTML page: bars, in plain HTML. */
#ifndef DUMP_HTML_CHARTS_H
#define DUMP_HTML_CHARTS_H

#include <stdint.h>
#include <sfshm/inspect.h>

/* Times in classes, from below a second to more than a day, and "for ever". */
#define CHART_CLASSES 8
struct chart {
	uint64_t count[CHART_CLASSES];
	uint64_t forever, over; /* no end; past the end */
};

void chart_add(struct chart *chart, int64_t ms);

/* Writes a chart with a line for each class. */
void chart_put(const char *title, const char *help, const struct chart *chart);

/* Writes a histogram that the segment keeps. */
void chart_times_put(const char *title, const char *help,
		     const struct sfshm_histogram_info *info);

/* Writes how much of the whole is in use. `text` says so in words. */
void chart_share_put(const char *title, uint64_t part, uint64_t whole,
		     const char *text);

#endif
