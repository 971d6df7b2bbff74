/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/escape.h"
#include "common/fault.h"
#include "common/segment-list.h"
#include "look/survey.h"

/*
 * Both formats want all samples of a metric in one place, so the segments are
 * surveyed first. A label never names a key or a process: a segment may have
 * any number of keys and processes, and a monitoring system keeps a series for
 * each label.
 */
struct scraped {
	const char *name;
	int up;
	struct survey survey;
};

struct scrape {
	enum metrics_format format;
	size_t count;
	struct scraped *segments;
};

/*
 * The value of a label: a backslash, a quotation mark and a new line are
 * escaped. Text that is not UTF-8, which the formats forbid, is first escaped
 * as in the tables.
 */
static void value_put(const char *text)
{
	char ascii[ESCAPE_SIZE(PATH_MAX)] = "";
	json_t *utf8 = json_string(text);

	if (!utf8) {
		escape(ascii, text, strnlen(text, PATH_MAX), ESCAPE_ASCII, 0);
		text = ascii;
	}
	json_decref(utf8);
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", stdout);
		else if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void family(const struct scrape *s, const char *name, const char *type,
		   const char *help)
{
	int total = strcmp(type, "counter") == 0 &&
		    s->format == METRICS_PROMETHEUS;

	printf("# HELP sfshm_%s%s %s\n# TYPE sfshm_%s%s %s\n", name,
	       total ? "_total" : "", help, name, total ? "_total" : "", type);
}

static void sample(const char *name, const struct scraped *it,
		   const char *labels)
{
	printf("sfshm_%s{segment=\"", name);
	value_put(it->name);
	printf("\"%s} ", labels);
}

static void number(const char *name, const struct scraped *it,
		   const char *labels, uint64_t n)
{
	sample(name, it, labels);
	printf("%" PRIu64 "\n", n);
}

static void seconds(const char *name, const struct scraped *it,
		    const char *labels, uint64_t ns)
{
	sample(name, it, labels);
	printf("%" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000, ns % 1000000000);
}

enum gauge {
	GAUGE_AWAITED,
	GAUGE_WAITERS,
	GAUGE_DAMAGED,
	GAUGE_SLOTS_MAX,
	GAUGE_PARTICIPANTS_MAX,
	GAUGE_MEMORY,
	GAUGE_MEMORY_USED,
	GAUGE_FILE,
	GAUGE_FILE_BACKED,
	GAUGE_CREATED,
	GAUGES
};

static const struct {
	const char *name, *help;
} gauges[GAUGES] = {
	[GAUGE_AWAITED] = { "keys_awaited", "Keys that somebody waits for." },
	[GAUGE_WAITERS] = { "waiters", "Callers that wait, asleep or polled." },
	[GAUGE_DAMAGED] = { "slots_damaged",
			    "Slots with impossible values; verify the "
			    "segment if there are any." },
	[GAUGE_SLOTS_MAX] = { "keys_max", "Keys that the segment can have." },
	[GAUGE_PARTICIPANTS_MAX] = { "participants_max",
				     "Threads that the segment can have." },
	[GAUGE_MEMORY] = { "value_memory_bytes",
			   "Memory for values and long keys." },
	[GAUGE_MEMORY_USED] = { "value_memory_used_bytes", "Of that, in use." },
	[GAUGE_FILE] = { "file_bytes", "Size of the segment's file." },
	[GAUGE_FILE_BACKED] = { "file_resident_bytes",
				"Of that, backed by memory." },
	[GAUGE_CREATED] = { "created_timestamp_seconds",
			    "When the segment was made." },
};

static uint64_t gauge_value(const struct survey *survey, enum gauge which)
{
	const struct sfshm_segment_info *info = &survey->segment;

	switch (which) {
	case GAUGE_AWAITED: return survey->awaited;
	case GAUGE_WAITERS: return survey->waiters;
	case GAUGE_DAMAGED: return survey->damaged;
	case GAUGE_SLOTS_MAX: return info->slots;
	case GAUGE_PARTICIPANTS_MAX: return info->participants;
	case GAUGE_MEMORY: return info->bytes;
	case GAUGE_MEMORY_USED: return info->bytes_used;
	case GAUGE_FILE: return info->file_bytes;
	case GAUGE_FILE_BACKED: return info->memory_bytes;
	default: return info->created_s;
	}
}

/* The next segment that could be read; the first one, if `it` is NULL. */
static const struct scraped *next_up(const struct scrape *s,
				     const struct scraped *it)
{
	for (it = it ? it + 1 : s->segments; it < s->segments + s->count; it++)
		if (it->up)
			return it;
	return NULL;
}

static void gauges_put(const struct scrape *s)
{
	for (int i = 0; i < GAUGES; i++) {
		family(s, gauges[i].name, "gauge", gauges[i].help);
		for (const struct scraped *it = next_up(s, NULL); it;
		     it = next_up(s, it))
			number(gauges[i].name, it, "",
			       gauge_value(&it->survey, (enum gauge)i));
	}
}

static void keys_of(const struct scraped *it, int kind)
{
	char labels[64];

	for (int phase = 0; phase <= PHASE_DEAD; phase++) {
		if (!phase_name(phase))
			continue;
		snprintf(labels, sizeof(labels), ",kind=\"%s\",phase=\"%s\"",
			 kind_name((enum sfshm_kind)kind), phase_name(phase));
		number("keys", it, labels, it->survey.by_kind[kind][phase]);
	}
}

static void keys_put(const struct scrape *s)
{
	family(s, "keys", "gauge", "Keys, by kind and phase.");
	for (const struct scraped *it = next_up(s, NULL); it;
	     it = next_up(s, it))
		for (int kind = 0; kind <= SFSHM_KIND_SAVE; kind++)
			keys_of(it, kind);
	family(s, "participants", "gauge",
	       "Attached threads; a dead one waits to be reaped.");
	for (const struct scraped *it = next_up(s, NULL); it;
	     it = next_up(s, it)) {
		number("participants", it, ",state=\"alive\"",
		       it->survey.alive);
		number("participants", it, ",state=\"dead\"", it->survey.dead);
	}
	family(s, "oldest_busy_seconds", "gauge",
	       "How long the longest flight or hold has lasted; 0: none.");
	for (const struct scraped *it = next_up(s, NULL); it;
	     it = next_up(s, it)) {
		int64_t ms = it->survey.oldest_ms;

		seconds("oldest_busy_seconds", it, "",
			ms > 0 ? (uint64_t)ms * 1000000 : 0);
	}
}

/* Any survey: all have the same counters, because one library has read them. */
static const struct survey *any_up(const struct scrape *s)
{
	for (const struct scraped *it = next_up(s, NULL); it;
	     it = next_up(s, it))
		return &it->survey;
	return NULL;
}

static void counters_put(const struct scrape *s)
{
	const struct survey *any = any_up(s);
	char name[64];

	for (uint32_t i = 0; any && i < any->counters_count; i++) {
		family(s, any->counters[i].name, "counter",
		       any->counters[i].help);
		snprintf(name, sizeof(name), "%s_total", any->counters[i].name);
		for (const struct scraped *it = next_up(s, NULL); it;
		     it = next_up(s, it))
			number(name, it, "", it->survey.counters[i].value);
	}
}

/* Each bucket also has the counts of those below it. The last has no bound. */
static void buckets_put(const struct scraped *it, const char *name,
			const struct sfshm_histogram_info *info)
{
	char labels[64], bucket[96];
	uint64_t sum = 0;

	snprintf(bucket, sizeof(bucket), "%s_bucket", name);
	for (int i = 0; i < SFSHM_HISTOGRAM_BUCKETS; i++) {
		double bound = (double)(info->least_ns << i) / 1e9;

		sum += info->bucket[i];
		if (i < SFSHM_HISTOGRAM_BUCKETS - 1)
			snprintf(labels, sizeof(labels), ",le=\"%.9f\"", bound);
		else
			strcpy(labels, ",le=\"+Inf\"");
		number(bucket, it, labels, sum);
	}
}

static void histograms_put(const struct scrape *s)
{
	const struct survey *any = any_up(s);
	char name[64], part[96];

	for (uint32_t i = 0; any && i < any->times_count; i++) {
		snprintf(name, sizeof(name), "%s_seconds", any->times[i].name);
		family(s, name, "histogram", any->times[i].help);
		for (const struct scraped *it = next_up(s, NULL); it;
		     it = next_up(s, it)) {
			const struct sfshm_histogram_info *info =
				&it->survey.times[i].info;

			buckets_put(it, name, info);
			snprintf(part, sizeof(part), "%s_sum", name);
			seconds(part, it, "", info->sum_ns);
			snprintf(part, sizeof(part), "%s_count", name);
			number(part, it, "", info->count);
		}
	}
}

/* SIGBUS, if the file shrinks meanwhile, ends the survey of this segment. */
static int survey_one(struct scraped *it, const char *path, char *why,
		      size_t size)
{
	struct sfshm_view *view;
	struct filter filter;
	sigjmp_buf way_out;
	int r;

	memset(&filter, 0, sizeof(filter));
	fault_guard(it->name);
	if (sigsetjmp(way_out, 1)) {
		fault_escape(NULL);
		snprintf(why, size, "the file shrank while it was read");
		return -EPROTO;
	}
	fault_escape(&way_out);
	r = sfshm_view_open(&view, path, why, size);
	if (!r) {
		r = survey_take(&it->survey, view, &filter, SURVEY_NONE, NULL);
		sfshm_view_close(view);
	}
	fault_escape(NULL);
	return r;
}

/* False: there is no such segment any more. */
static int scrape_one(struct scraped *it, const char *name, const char *path,
		      int listed)
{
	char why[256] = "";
	int r;

	it->name = name;
	r = survey_one(it, path, why, sizeof(why));
	if (r == -ENOENT && listed)
		return 0;
	it->up = !r;
	if (r)
		complain("%s: %s; its metric sfshm_up is 0", name,
			 *why ? why : sfshm_strerror(r));
	return 1;
}

static void print(const struct scrape *s)
{
	family(s, "up", "gauge", "1: the segment could be read.");
	for (size_t i = 0; i < s->count; i++)
		number("up", &s->segments[i], "", (uint64_t)s->segments[i].up);
	keys_put(s);
	gauges_put(s);
	counters_put(s);
	histograms_put(s);
	if (s->format == METRICS_OPENMETRICS)
		puts("# EOF");
}

int metrics_show(enum metrics_format format, const char *segment)
{
	struct segment_list list = { 0 };
	struct scrape s = { .format = format };
	int r = segment ? 0 : segment_list_read(&list);

	if (!r) {
		s.segments = calloc(list.count + 1, sizeof(*s.segments));
		r = s.segments ? 0 : -ENOMEM;
	}
	if (r) {
		complain("cannot list the segments: %s", strerror(-r));
		free(s.segments);
		segment_list_free(&list);
		return ARGS_EXIT_FAILURE;
	}
	if (segment)
		s.count += scrape_one(&s.segments[0], segment, segment, 0) != 0;
	for (size_t i = 0; i < list.count; i++)
		s.count += scrape_one(&s.segments[s.count],
				      list.entries[i].name,
				      list.entries[i].path, 1) != 0;
	print(&s);
	free(s.segments);
	segment_list_free(&list);
	return args_flush() ? ARGS_EXIT_FAILURE : 0;
}
