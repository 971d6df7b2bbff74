/* SPDX-License-Identifier: MIT */
#include <curses.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "common/size.h"
#include "look/line.h"
#include "look/notes.h"
#include "look/phase.h"
#include "top.h"

#define BAR_COLUMNS 20
#define HEADING_LINE 7

/* The least room for notes behind a row, and their indent below it. */
#define NOTES_COLUMNS 21
#define NOTES_INDENT 4
#define LINE_WIDE 1024

enum { GREEN = 1, YELLOW, RED };

static int colour_of(unsigned int percent)
{
	if (!has_colors())
		return A_NORMAL;
	return (int)COLOR_PAIR(percent < 75 ? GREEN :
			       percent < 90 ? YELLOW :
					      RED);
}

int top_put(int y, int x, const char *text, int attributes)
{
	static wchar_t wide[LINE_WIDE];
	size_t n = mbstowcs(wide, text, LINE_WIDE - 1);
	int width = 0;

	if (n == (size_t)-1 || y >= LINES)
		return x;
	for (size_t i = 0; i < n; i++) {
		int columns = wcwidth(wide[i]);

		if (x + width + columns > COLS) {
			n = i;
			break;
		}
		width += columns;
	}
	attrset(attributes);
	mvaddnwstr(y, x, wide, (int)n);
	attrset(A_NORMAL);
	return x + width;
}

static void draw_title(const struct top *top)
{
	char line[512], at[16] = "?";
	time_t now = (time_t)top->taken_at;
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(at, sizeof(at), "%H:%M:%S", &tm);
	snprintf(line, sizeof(line), "%.64s  %s  every %g s  by %s%s%s",
		 top->segment, at, (double)top->delay_ms / 1000,
		 top->sort ? top->sort->name : "urgency",
		 top->sort && top->descending ? ", largest first" : "",
		 top->paused ? "  PAUSED" : "");
	top_put(0, 0, line, A_BOLD);
}

/* A bar of fullness, with a text behind it. */
static void draw_bar(int y, const char *name, uint64_t part, uint64_t whole,
		     const char *text)
{
	unsigned int percent = text_percent(part, whole);
	char bar[BAR_COLUMNS + 1], line[256];
	int filled = (int)(percent > 100 ? 100 : percent) * BAR_COLUMNS / 100;
	int x;

	if (part && !filled)
		filled = 1;
	memset(bar, '|', (size_t)filled);
	bar[filled] = '\0';
	snprintf(line, sizeof(line), "%-7s [", name);
	x = top_put(y, 0, line, A_NORMAL);
	top_put(y, x, bar, colour_of(percent));
	snprintf(line, sizeof(line), "] %3u%% %s", percent, text);
	top_put(y, x + BAR_COLUMNS, line, A_NORMAL);
}

static void draw_bars(const struct survey *survey)
{
	const struct sfshm_segment_info *info = &survey->segment;
	char used[SIZE_TEXT], all[SIZE_TEXT], text[256];

	snprintf(text, sizeof(text),
		 "%" PRIu64 "/%" PRIu32 ": %" PRIu64 " busy %" PRIu64
		 " awaited %" PRIu64 " failed %" PRIu64 " dead",
		 survey->keys, info->slots, survey->busy, survey->awaited,
		 survey->failed, survey->dead_keys);
	draw_bar(1, "keys", survey->keys, info->slots, text);
	snprintf(text, sizeof(text), "%s/%s", size_text(used, info->bytes_used),
		 size_text(all, info->bytes));
	draw_bar(2, "memory", info->bytes_used, info->bytes, text);
	snprintf(text, sizeof(text),
		 "%" PRIu64 "/%" PRIu32 ": %" PRIu64 " waiting %" PRIu64
		 " dead",
		 survey->alive + survey->dead, info->participants,
		 survey->waiting, survey->dead);
	draw_bar(3, "threads", survey->alive + survey->dead, info->participants,
		 text);
}

static void draw_rates(int y, const char *name, const double *rate, int known)
{
	char line[256];
	double saved;

	if (!known) {
		snprintf(line, sizeof(line), "%-7s -", name);
		top_put(y, 0, line, A_NORMAL);
		return;
	}
	saved = rate[RATE_CALLS] > 0 ?
			rate[RATE_SAVED] * 100 / rate[RATE_CALLS] :
			0;
	snprintf(line, sizeof(line),
		 "%-7s %.1f calls/s, %.0f%% without a run; %.1f runs/s, "
		 "%.1f failed/s",
		 name, rate[RATE_CALLS], saved > 100 ? 100 : saved,
		 rate[RATE_RUNS], rate[RATE_FAILED]);
	top_put(y, 0, line, A_NORMAL);
}

/* Writes a percentile in words. `unit` of the histogram's times are 1 ms. */
static const char *percentile(char out[TEXT_SIZE], const struct histogram *of,
			      unsigned int percent, int64_t unit)
{
	int64_t time = histogram_percentile(of, percent);

	return text_span(out, time < 0 ? -1 : time / unit);
}

static void draw_times(const struct survey *survey)
{
	char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE], d[TEXT_SIZE];
	char e[TEXT_SIZE], saved[TEXT_SIZE], line[256];

	snprintf(line, sizeof(line),
		 "work    50%% %s 90%% %s 99%% %s; waits 50%% %s 99%% %s; "
		 "%s saved",
		 percentile(a, &survey->took, 50, 1000),
		 percentile(b, &survey->took, 90, 1000),
		 percentile(c, &survey->took, 99, 1000),
		 percentile(d, &survey->waits, 50, 1),
		 percentile(e, &survey->waits, 99, 1),
		 text_span(saved, (int64_t)survey_saved_ms(survey)));
	top_put(6, 0, line, A_NORMAL);
}

static void draw_headings(const struct top *top, size_t key_columns)
{
	static struct cell line;
	int x = 0;

	line_headings(&line, &top->columns, key_columns);
	top_put(HEADING_LINE, 0, line.text, A_REVERSE);
	for (size_t i = 0; i < top->columns.count; i++) {
		const struct column *column = top->columns.column[i];
		int width = (int)(i ? column->width : key_columns);

		if (column == top->sort)
			mvchgat(HEADING_LINE, x, width, A_BOLD, 0, NULL);
		x += width + 1;
	}
}

static int colour_of_slot(const struct sfshm_slot_info *slot)
{
	int phase = phase_of_slot(slot);

	if (!has_colors())
		return phase == PHASE_DEAD ? A_BOLD : A_NORMAL;
	if (phase == PHASE_DEAD || phase == SFSHM_PHASE_FAILED)
		return (int)COLOR_PAIR(RED);
	if (slot->waiters)
		return (int)COLOR_PAIR(YELLOW);
	return phase == SFSHM_PHASE_BUSY ? (int)COLOR_PAIR(GREEN) : A_NORMAL;
}

/*
 * Whether the notes get a line of their own if there is no room behind the row:
 * they say why the work failed, who died, or who has the permits.
 */
static int notes_matter(const struct sfshm_slot_info *slot)
{
	int phase = phase_of_slot(slot);

	return phase == PHASE_DEAD || phase == SFSHM_PHASE_FAILED ||
	       slot->permits;
}

/* Returns the number of lines. */
static int draw_row(const struct top *top, int y, uint32_t index,
		    size_t key_columns)
{
	static struct sfshm_slot_info slot = { .size = sizeof(slot) };
	static struct cell line, notes;
	int r = phase_view_slot(top->view, index, &slot);
	int x, colour;

	/* The key may have gone since the survey. */
	if (r || !phase_is_key(&slot)) {
		top_put(y, 0, r ? "damaged" : "-", A_NORMAL);
		return 1;
	}
	colour = colour_of_slot(&slot);
	line_cells(&line, &top->columns, key_columns, 1, top->view, &slot);
	x = top_put(y, 0, line.text, colour);
	cell_clear(&notes);
	if (COLS - x > NOTES_COLUMNS) {
		notes_write(&notes, top->view, &slot, (size_t)(COLS - x - 1));
		top_put(y, x + 1, notes.text, colour);
		return 1;
	}
	if (!notes_matter(&slot) || y + 1 >= LINES - 1 || COLS < NOTES_COLUMNS)
		return 1;
	notes_write(&notes, top->view, &slot, (size_t)(COLS - NOTES_INDENT));
	top_put(y + 1, NOTES_INDENT, notes.text, colour);
	return 2;
}

static void draw_keys(struct top *top)
{
	size_t key_columns = line_key_columns(&top->columns, (size_t)COLS);
	size_t count = top->survey.rows.count;
	int y = HEADING_LINE + 1;

	top->lines = count;
	if (top->offset >= count)
		top->offset = count ? count - 1 : 0;
	draw_headings(top, key_columns);
	if (!count)
		top_put(y, 0, top->survey.keys ? "no key matches" : "no keys",
			A_NORMAL);
	for (size_t i = top->offset; i < count && y < LINES - 1; i++)
		y += draw_row(top, y, top->survey.rows.row[i].index,
			      key_columns);
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"q       quit",
		"< >     sort by the column before, or the next one",
		"u       sort by urgency: most waiters, then longest, then failed",
		"r       the other order",
		"/       show only keys that match; Enter alone: all keys",
		"w f a   only keys that are waited for; only failed ones; all",
		"t       holders and their waiters, with command lines",
		"h       what happened lately: flights, waits, deaths, evictions",
		"p       pause, or go on",
		"+ -     refresh half as often, or twice as often; space: now",
		"arrows, page up, page down, home, end   scroll",
		"",
		"AGE is how long the work runs, or how old the result is; TOOK is how",
		"long the work for the value ran. Waits are those that go on: no thread",
		"has waited longer than the flight has lasted.",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		top_put((int)i + HEADING_LINE, 2, lines[i], A_NORMAL);
}

static void draw_footer(const struct top *top)
{
	char line[512];

	if (top->editing)
		snprintf(line, sizeof(line), "keys: %s_", top->typed);
	else
		snprintf(line, sizeof(line),
			 "q quit  ? help  < > sort  / filter  w waiting  "
			 "f failed  t tree  h history  p pause%s%s",
			 *top->pattern ? "  " : "", top->pattern);
	top_put(LINES - 1, 0, line, A_REVERSE);
}

void top_draw(struct top *top)
{
	double now[RATE_KINDS], minute[RATE_KINDS];

	erase();
	draw_title(top);
	if (!top->view) {
		top_put(2, 0, top->why, A_BOLD);
		draw_footer(top);
		refresh();
		return;
	}
	draw_bars(&top->survey);
	draw_rates(4, "now", now, rates_now(&top->rates, now));
	draw_rates(5, "minute", minute, rates_minute(&top->rates, minute));
	draw_times(&top->survey);
	if (top->mode == TOP_HELP)
		draw_help();
	else if (top->mode == TOP_TREE)
		top_draw_tree(top, HEADING_LINE);
	else if (top->mode == TOP_HISTORY)
		top_draw_history(top, HEADING_LINE);
	else
		draw_keys(top);
	draw_footer(top);
	refresh();
}
