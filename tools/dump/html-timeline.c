/* SPDX-License-Identifier: MIT */
#include "html-timeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "html-text.h"

/* How much of the history the page shows. */
#define DRAWN_EVENTS 400
#define LISTED_EVENTS 100
#define ROWS_MAX 40

/* The drawing's measures, in its own units. */
#define WIDTH 1000.0
#define LEFT 90.0
#define RIGHT 10.0
#define ROW 18
#define AXIS 20
#define LEAST_BAR 2.0
#define TICKS 5

#define NS_PER_MS 1000000

struct drawing {
	const struct events *events;
	size_t first;      /* the first event that is drawn */
	uint64_t from, to; /* CLOCK_MONOTONIC, ns */
	uint32_t rows, left_out;
	struct {
		uint32_t participant;
		int32_t pid;
	} row[ROWS_MAX];
};

static uint64_t begin_of(const struct event *event)
{
	uint64_t took = event->info.rare ? 0 : event->info.took_ns;

	return event->info.when_ns > took ? event->info.when_ns - took : 0;
}

/*
 * The row of the event's thread; ROWS_MAX: it has none. A reaper notes what it
 * does in the dead thread's record, so such an event goes to any row of its
 * process.
 */
static uint32_t row_of(struct drawing *d, const struct event *event, int add)
{
	const struct sfshm_event_info *info = &event->info;
	uint32_t i;

	for (i = 0; i < d->rows; i++)
		if (d->row[i].pid == info->pid &&
		    (info->rare || d->row[i].participant == info->participant))
			return i;
	if (!add || i == ROWS_MAX)
		return ROWS_MAX;
	d->row[i].participant = event->info.participant;
	d->row[i].pid = event->info.pid;
	d->rows++;
	return i;
}

/* The row that was given out last is the top one: it has the oldest events. */
static int row_top(const struct drawing *d, uint32_t row)
{
	return (int)(d->rows - 1 - row) * ROW;
}

static double place(const struct drawing *d, uint64_t when)
{
	double whole = d->to > d->from ? (double)(d->to - d->from) : 1;
	double part = when > d->from ? (double)(when - d->from) : 0;

	if (part > whole)
		part = whole;
	return LEFT + part / whole * (WIDTH - LEFT - RIGHT);
}

static void measure(struct drawing *d)
{
	const struct events *events = d->events;

	d->first = events->count > DRAWN_EVENTS ? events->count - DRAWN_EVENTS :
						  0;
	d->from = UINT64_MAX;
	/* From the last event back: the latest threads get the rows. */
	for (size_t i = events->count; i-- > d->first;) {
		const struct event *event = &events->list[i];

		if (row_of(d, event, 1) == ROWS_MAX) {
			d->left_out++;
			continue;
		}
		if (begin_of(event) < d->from)
			d->from = begin_of(event);
		if (event->info.when_ns > d->to)
			d->to = event->info.when_ns;
	}
}

static void axis_put(const struct drawing *d)
{
	double bottom = d->rows * ROW;
	char span[TEXT_SIZE];

	for (int i = 0; i <= TICKS; i++) {
		uint64_t ago =
			(d->to - d->from) / TICKS * (uint64_t)(TICKS - i);
		double x = place(d, d->to - ago);

		printf("<line class=tick x1=%.1f x2=%.1f y1=0 y2=%.0f />"
		       "<text x=%.1f y=%.0f text-anchor=%s>%s%s</text>\n",
		       x, x, bottom, x, bottom + AXIS - 5,
		       i == TICKS ? "end" : "middle", i == TICKS ? "" : "-",
		       i == TICKS ?
			       "last event" :
			       text_span(span, (int64_t)(ago / NS_PER_MS)));
	}
}

static void tip_put(const struct event *event, int64_t offset)
{
	static struct cell line;

	event_line(&line, event, offset);
	fputs("<title>", stdout);
	html_text(line.text);
	fputs("</title>", stdout);
}

static void event_put(struct drawing *d, const struct event *event,
		      int64_t offset)
{
	uint32_t row = row_of(d, event, 0);
	double x = place(d, begin_of(event));
	double end = place(d, event->info.when_ns);
	double y;

	if (row == ROWS_MAX)
		return;
	y = row_top(d, row);
	if (event->info.rare)
		printf("<circle class=\"e %s\" cx=%.1f cy=%.1f r=4>",
		       event->name, end, y + ROW / 2.0);
	else
		printf("<rect class=\"e %s\" x=%.1f y=%.0f width=%.1f "
		       "height=%d rx=2>",
		       event->name, end - x < LEAST_BAR ? end - LEAST_BAR : x,
		       y + 4, end - x < LEAST_BAR ? LEAST_BAR : end - x,
		       ROW - 8);
	tip_put(event, offset);
	puts(event->info.rare ? "</circle>" : "</rect>");
}

static void legend_put(void)
{
	static const char *const names[] = {
		"published", "awaited",     "led",    "failed", "released",
		"gave_up",   "leader_died", "stolen", "fenced", "evicted",
	};

	fputs("<p class=legend>", stdout);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		printf("<span><i class=\"e %s\"></i>%s</span> ", names[i],
		       names[i]);
	puts("</p>");
}

static void drawing_put(const struct events *events, int64_t offset)
{
	struct drawing d = { .events = events };

	measure(&d);
	printf("<div class=wide><svg viewBox=\"0 0 %.0f %" PRIu32
	       "\" role=img aria-label=\"timeline of events\">\n",
	       WIDTH, d.rows * ROW + AXIS);
	axis_put(&d);
	for (uint32_t i = 0; i < d.rows; i++)
		printf("<text x=%.0f y=%d text-anchor=end>%" PRId32 "</text>\n",
		       LEFT - 8, row_top(&d, i) + ROW - 5, d.row[i].pid);
	for (size_t i = d.first; i < events->count; i++)
		event_put(&d, &events->list[i], offset);
	puts("</svg></div>");
	legend_put();
	if (d.first + d.left_out)
		printf("<p><em>%zu events are not drawn; sfshm-dump --events "
		       "lists them.</em></p>\n",
		       d.first + d.left_out);
}

static void list_put(const struct events *events, int64_t offset)
{
	static struct cell line;
	size_t listed = 0;

	printf("<details><summary>The last %zu of %zu events, latest first"
	       "</summary><ol class=log>\n",
	       events->count < LISTED_EVENTS ? events->count : LISTED_EVENTS,
	       events->count);
	for (size_t i = events->count; i && listed < LISTED_EVENTS; listed++) {
		event_line(&line, &events->list[--i], offset);
		fputs("<li>", stdout);
		html_text(line.text);
		putchar('\n');
	}
	puts("</ol></details>");
}

static void heads_put(const struct events *events, int64_t offset)
{
	static struct cell line;

	fputs("<p><small>", stdout);
	for (int i = 0; i < 2; i++) {
		events_head(&line, events, i, offset);
		html_text(line.text);
		puts(i ? ".</small></p>" : "; ");
	}
}

void timeline_put(const struct events *events)
{
	int64_t offset = events_offset();

	heads_put(events, offset);
	if (!events->count) {
		puts("<p><em>No events yet.</em></p>");
		return;
	}
	drawing_put(events, offset);
	list_put(events, offset);
}
