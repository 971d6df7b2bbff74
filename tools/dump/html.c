/* SPDX-License-Identifier: MIT */
#include "html.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/complain.h"
#include "common/size.h"
#include "html-charts.h"
#include "html-style.h"
#include "html-text.h"
#include "html-timeline.h"
#include "look/notes.h"
#include "look/phase.h"

#define TOP_KEYS 15
#define HELD_KEYS 50
#define WAITERS_NAMED 12

/* The keys that have the most of something, the first one most. */
struct top {
	size_t count;
	struct {
		int64_t number;
		struct sfshm_slot_info slot;
	} key[TOP_KEYS];
};

/* What the walk over the segment has found. */
static struct top slowest, awaited, longest;
static struct chart ages, lives;
static struct {
	struct sfshm_slot_info slot;
} held[HELD_KEYS];
static size_t held_count, held_left_out;
static struct sfshm_participant_info *threads;
static size_t threads_count, threads_room, threads_lost;

static void top_add(struct top *top, int64_t number,
		    const struct sfshm_slot_info *slot)
{
	size_t i = top->count;

	if (number <= 0 || (i == TOP_KEYS && number <= top->key[i - 1].number))
		return;
	if (i < TOP_KEYS)
		top->count++;
	else
		i--;
	for (; i && number > top->key[i - 1].number; i--)
		top->key[i] = top->key[i - 1];
	top->key[i].number = number;
	top->key[i].slot = *slot;
}

static int is_busy(const struct sfshm_slot_info *slot)
{
	int phase = phase_of_slot(slot);

	return phase == SFSHM_PHASE_BUSY || phase == PHASE_DEAD;
}

static void html_begin(const struct picture *picture)
{
	(void)picture;
	slowest.count = awaited.count = longest.count = 0;
	memset(&ages, 0, sizeof(ages));
	memset(&lives, 0, sizeof(lives));
	held_count = held_left_out = threads_count = threads_lost = 0;
}

static void html_slot(const struct picture *picture,
		      const struct sfshm_slot_info *slot)
{
	(void)picture;
	top_add(&slowest, slot->took_us, slot);
	top_add(&awaited, slot->waiters, slot);
	if (is_busy(slot)) {
		top_add(&longest, slot->age_ms, slot);
	} else if (slot->has_value && slot->kind == SFSHM_KIND_VALUE) {
		if (slot->age_ms >= 0)
			chart_add(&ages, slot->age_ms);
		if (slot->ttl_ms > 0)
			chart_add(&lives, slot->ttl_ms);
		lives.forever += slot->ttl_ms < 0;
		lives.over += slot->ttl_ms == 0;
	}
	if (!is_busy(slot) && !slot->waiters)
		return;
	if (held_count < HELD_KEYS)
		held[held_count++].slot = *slot;
	else
		held_left_out++;
}

static void html_slot_damaged(const struct picture *picture, uint32_t index)
{
	(void)picture, (void)index;
}

static void html_walk_end(const struct picture *picture)
{
	(void)picture;
}

static void html_participant(const struct picture *picture,
			     const struct sfshm_participant_info *info)
{
	(void)picture;
	if (threads_count == threads_room) {
		size_t room = threads_room ? 2 * threads_room : 64;
		void *more = realloc(threads, room * sizeof(*threads));

		if (!more) {
			threads_lost++;
			return;
		}
		threads = more;
		threads_room = room;
	}
	threads[threads_count++] = *info;
}

static void head_put(const struct picture *picture)
{
	const struct sfshm_segment_info *info = &picture->survey->segment;
	char when[64] = "?";
	struct tm tm;

	if (localtime_r(&picture->taken_at.tv_sec, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %Z", &tm);
	printf("<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=\"%s\">\n"
	       "<meta http-equiv=Content-Security-Policy content=\"default-src "
	       "'none'; style-src 'unsafe-inline'; base-uri 'none'; "
	       "form-action 'none'\">\n"
	       "<meta name=viewport content=\"width=device-width, "
	       "initial-scale=1\">\n<meta name=color-scheme "
	       "content=\"light dark\">\n<title>sfshm: ",
	       nl_langinfo(CODESET));
	html_bytes(picture->options->segment, strlen(picture->options->segment),
		   0);
	printf("</title>\n<style>\n%s</style>\n</head>\n<body>\n<header><h1>",
	       html_style);
	html_bytes(picture->options->segment, strlen(picture->options->segment),
		   0);
	printf("</h1><p>%s &middot; ", when);
	html_bytes(info->path, strnlen(info->path, sizeof(info->path)), 0);
	printf(" &middot; mode %04" PRIo32 ", owner %" PRIu32
	       ", layout %" PRIu32 "</p></header>\n<main>\n",
	       info->mode, info->owner, info->layout_version);
}

static void card_put(const char *title, const char *number, const char *text)
{
	printf("<div class=card><h3>%s</h3><strong>%s</strong><small>%s</small>"
	       "</div>\n",
	       title, number, text);
}

static void shares_put(const struct survey *survey)
{
	const struct sfshm_segment_info *info = &survey->segment;
	char text[128], a[SIZE_TEXT], b[SIZE_TEXT];

	snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu32, survey->keys,
		 info->slots);
	chart_share_put("keys", survey->keys, info->slots, text);
	snprintf(text, sizeof(text), "%s of %s", size_text(a, info->bytes_used),
		 size_text(b, info->bytes));
	chart_share_put("value memory", info->bytes_used, info->bytes, text);
	snprintf(text, sizeof(text),
		 "%" PRIu64 " alive, %" PRIu64 " dead, of %" PRIu32,
		 survey->alive, survey->dead, info->participants);
	chart_share_put("threads", survey->alive + survey->dead,
			info->participants, text);
}

static void cards_put(const struct survey *survey)
{
	uint64_t calls = survey_counter(survey, "gets");
	uint64_t saved = survey_saved_calls(survey);
	char number[TEXT_SIZE], text[128], span[TEXT_SIZE];

	puts("<section class=cards>");
	shares_put(survey);
	snprintf(text, sizeof(text), "answered without a run, of %s",
		 text_count(span, calls));
	snprintf(number, sizeof(number), "%u%%", text_percent(saved, calls));
	card_put("calls", number, text);
	snprintf(text, sizeof(text), "%" PRIu64 " awaited, longest %s",
		 survey->awaited, text_span(span, survey->oldest_ms));
	card_put("busy keys", text_count(number, survey->busy), text);
	snprintf(text, sizeof(text), "asleep or polled, for %" PRIu64 " keys",
		 survey->awaited);
	card_put("waiters", text_count(number, survey->waiters), text);
	snprintf(text, sizeof(text),
		 "failed; %" PRIu64 " with a dead leader, %" PRIu64 " damaged",
		 survey->dead_keys, survey->damaged);
	card_put("failed keys", text_count(number, survey->failed), text);
	snprintf(text, sizeof(text),
		 "leaders died; flights taken over: %" PRIu64
		 ", stolen: %" PRIu64,
		 survey_counter(survey, "takeovers"),
		 survey_counter(survey, "steals"));
	card_put("deaths",
		 text_count(number, survey_counter(survey, "owner_died")),
		 text);
	puts("</section>");
}

static void table_begin(const struct column_list *list, const char *more)
{
	fputs("<div class=wide><table><thead><tr>", stdout);
	for (size_t i = 0; i < list->count; i++)
		printf("<th%s>%s", list->column[i]->right ? " class=n" : "",
		       list->column[i]->name);
	printf("%s</thead><tbody>\n", more);
}

/* Cells that may be long have the class k, in which lines break. */
static void cells_put(const struct column_list *list,
		      const struct picture *picture,
		      const struct sfshm_slot_info *slot)
{
	fputs("<tr>", stdout);
	for (size_t i = 0; i < list->count; i++) {
		const struct column *column = list->column[i];
		int wide = strcmp(column->name, "KEY") == 0 ||
			   strcmp(column->name, "COMMAND") == 0;

		printf("<td%s>", column->right ? " class=n" :
				 wide          ? " class=k" :
						 "");
		html_cell(column, picture->view, slot);
	}
}

static void top_put(const struct picture *picture, const char *title,
		    const struct top *top, const char *columns)
{
	struct column_list list = { 0 };
	const char *bad;
	size_t len;

	if (column_list_parse(&list, columns, &bad, &len))
		return;
	printf("<section><h2>%s</h2>\n", title);
	if (!top->count) {
		puts("<p><em>none</em></p></section>");
		return;
	}
	table_begin(&list, "");
	for (size_t i = 0; i < top->count; i++) {
		cells_put(&list, picture, &top->key[i].slot);
		putchar('\n');
	}
	puts("</tbody></table></div></section>");
}

/* Names the threads that wait for the slot. */
static void waiters_put(uint32_t index, uint32_t waiters)
{
	uint32_t named = 0;
	char ids[TEXT_SIZE];

	fputs("<td>", stdout);
	for (size_t i = 0; i < threads_count && named < WAITERS_NAMED; i++) {
		if (threads[i].waits_for != (int64_t)index)
			continue;
		printf("%s%s", named++ ? ", " : "",
		       text_ids(ids, threads[i].pid, threads[i].tid));
	}
	if (waiters > named)
		printf("%s%" PRIu32 " more", named ? ", and " : "",
		       waiters - named);
}

static void held_put(const struct picture *picture)
{
	struct column_list list = { 0 };
	const char *bad;
	size_t len;

	if (column_list_parse(&list, "KEY,KIND,PHASE,AGE,OWNER,COMMAND,WAIT",
			      &bad, &len))
		return;
	puts("<section><h2>Holders and waiters</h2>");
	if (!held_count) {
		puts("<p><em>No key is busy, and nobody waits.</em></p>"
		     "</section>");
		return;
	}
	table_begin(&list, "<th>WHO WAITS<th>NOTES");
	for (size_t i = 0; i < held_count; i++) {
		static struct cell notes;

		cells_put(&list, picture, &held[i].slot);
		waiters_put(held[i].slot.index, held[i].slot.waiters);
		cell_clear(&notes);
		notes_write(&notes, picture->view, &held[i].slot, 0);
		fputs("<td class=k>", stdout);
		html_text(notes.text);
		putchar('\n');
	}
	puts("</tbody></table></div>");
	if (held_left_out)
		printf("<p><em>and %zu more</em></p>\n", held_left_out);
	puts("</section>");
}

static void charts_put(const struct survey *survey)
{
	puts("<section class=charts>");
	for (uint32_t i = 0; i < survey->times_count; i++)
		chart_times_put(survey->times[i].name, survey->times[i].help,
				&survey->times[i].info);
	chart_put("age", "of values", &ages);
	chart_put("lifetime", "that values have left", &lives);
	puts("</section>");
}

static void counters_put(const struct survey *survey)
{
	puts("<section><details><summary>Counters</summary>"
	     "<div class=wide><table><tbody>");
	for (uint32_t i = 0; i < survey->counters_count; i++) {
		const struct survey_counter *c = &survey->counters[i];

		printf("<tr%s><td>%s<td class=n>%" PRIu64 "<td>",
		       c->value ? "" : " class=zero", c->name, c->value);
		html_text(c->help);
		putchar('\n');
	}
	puts("</tbody></table></div></details></section>");
}

static void history_put(const struct picture *picture)
{
	struct events events = { 0 };
	int r = events_read(&events, picture->view,
			    picture->options->filter.key_pattern);

	puts("<section><h2>What happened last</h2>");
	if (r)
		puts("<p><em>The events cannot be read.</em></p>");
	else
		timeline_put(&events);
	puts("</section>");
	events_free(&events);
}

static void html_end(const struct picture *picture)
{
	head_put(picture);
	cards_put(picture->survey);
	held_put(picture);
	charts_put(picture->survey);
	top_put(picture, "Slowest keys", &slowest,
		"KEY,TOOK,AGE,TTL,SIZE,DEATHS");
	top_put(picture, "Most waited for", &awaited,
		"KEY,KIND,WAIT,AGE,OWNER,COMMAND");
	top_put(picture, "Longest at work", &longest,
		"KEY,KIND,AGE,IDLE,OWNER,COMMAND");
	history_put(picture);
	counters_put(picture->survey);
	if (threads_lost)
		printf("<p><em>%zu threads found no room in memory.</em></p>\n",
		       threads_lost);
	puts("</main>\n</body>\n</html>");
	free(threads);
	threads = NULL;
	threads_room = 0;
}

const struct picture_format picture_html = {
	.begin = html_begin,
	.participant = html_participant,
	.participants_end = html_walk_end,
	.slot = html_slot,
	.slot_damaged = html_slot_damaged,
	.slots_end = html_walk_end,
	.end = html_end,
};

/* The page, and what stdout was before. */
static int page_fd, stdout_was;

int html_begin_file(void)
{
	page_fd = memfd_create("page", MFD_CLOEXEC);
	stdout_was = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (page_fd < 0 || dup2(page_fd, STDOUT_FILENO) < 0) {
		complain("cannot make a page: %s", strerror(errno));
		return -1;
	}
	return 0;
}

static int page_copy(int fd)
{
	char block[65536];
	ssize_t n;
	off_t at = 0;

	while ((n = pread(page_fd, block, sizeof(block), at)) > 0) {
		n = write(fd, block, (size_t)n);
		if (n < 0)
			break;
		at += n;
	}
	return (int)n;
}

int html_end_file(const char *file)
{
	int fd;

	/* The file may be /dev/stdout. */
	dup2(stdout_was, STDOUT_FILENO);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || page_copy(fd) || close(fd)) {
		complain("cannot write %s: %s", file, strerror(errno));
		return -1;
	}
	return 0;
}
