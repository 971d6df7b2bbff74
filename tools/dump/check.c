/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/args.h"
#include "common/duration.h"
#include "common/fault.h"
#include "common/size.h"
#include "look/survey.h"
#include "options.h"

enum unit { COUNT, TIME, SHARE };

static const struct {
	const char *name;
	enum unit unit;
} metrics[CHECK_METRICS] = {
	[CHECK_WAITERS] = { "waiters", COUNT },
	[CHECK_AGE] = { "age", TIME },
	[CHECK_IDLE] = { "idle", TIME },
	[CHECK_FAILED] = { "failed", COUNT },
	[CHECK_DEAD] = { "dead", COUNT },
	[CHECK_DEATHS] = { "deaths", COUNT },
	[CHECK_SLOTS] = { "slots", SHARE },
	[CHECK_MEMORY] = { "memory", SHARE },
	[CHECK_PARTICIPANTS] = { "participants", SHARE },
};

#define LIMIT_MAX 63
#define YEAR_MS (UINT64_C(366) * 24 * 60 * 60 * 1000)

static int limit_parse(struct check_limit *limit, enum unit unit,
		       const char *text, size_t len)
{
	char number[LIMIT_MAX + 1];
	int r;

	if (!len || len > LIMIT_MAX)
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	limit->given = 1;
	if (unit == TIME)
		return duration_parse(number, YEAR_MS, &limit->number);
	if (unit == SHARE && number[len - 1] == '%') {
		number[len - 1] = '\0';
		limit->percent = 1;
	}
	if (unit == SHARE && !limit->percent)
		return size_parse(number, &limit->number);
	r = number_parse(number, &limit->number);
	return !r && limit->percent && limit->number > 100 ? -ERANGE : r;
}

/* Reads "NAME=WARNING:CRITICAL" or "NAME=CRITICAL", `len` bytes. */
static int part_parse(struct check *check, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len), *colon;
	const char *end = text + len;
	int i, r = 0;

	if (!equals)
		return -EINVAL;
	for (i = 0; i < CHECK_METRICS; i++)
		if (strlen(metrics[i].name) == (size_t)(equals - text) &&
		    memcmp(metrics[i].name, text, (size_t)(equals - text)) == 0)
			break;
	if (i == CHECK_METRICS)
		return -EINVAL;
	text = equals + 1;
	colon = memchr(text, ':', (size_t)(end - text));
	check->metrics[i].given = 1;
	if (colon) {
		r = limit_parse(&check->metrics[i].warning, metrics[i].unit,
				text, (size_t)(colon - text));
		text = colon + 1;
	}
	return r ? r :
		   limit_parse(&check->metrics[i].critical, metrics[i].unit,
			       text, (size_t)(end - text));
}

int check_parse(struct check *check, const char *text, const char **bad,
		int *bad_len)
{
	for (;;) {
		size_t len = strcspn(text, ",");

		if (part_parse(check, text, len)) {
			*bad = text;
			*bad_len = (int)len;
			return -EINVAL;
		}
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

/* The metric's value, and the whole that it is a share of (or 0). */
static uint64_t measure(const struct survey *survey, int metric,
			uint64_t *whole)
{
	const struct survey_chosen *chosen = &survey->chosen;
	const struct sfshm_segment_info *segment = &survey->segment;

	*whole = 0;
	switch (metric) {
	case CHECK_WAITERS: return chosen->waiters;
	case CHECK_AGE:
		return chosen->busy_ms < 0 ? 0 : (uint64_t)chosen->busy_ms;
	case CHECK_IDLE: return (uint64_t)chosen->idle_ms;
	case CHECK_FAILED: return chosen->failed;
	case CHECK_DEAD: return chosen->dead;
	case CHECK_DEATHS: return chosen->deaths;
	case CHECK_SLOTS: *whole = segment->slots; return survey->keys;
	case CHECK_MEMORY: *whole = segment->bytes; return segment->bytes_used;
	default:
		*whole = segment->participants;
		return survey->alive + survey->dead;
	}
}

static uint64_t limit_number(const struct check_limit *limit, uint64_t whole)
{
	/* Rounds up: 90% of 64 is 58. */
	return limit->percent ? (limit->number * whole + 99) / 100 :
				limit->number;
}

static int is_past(const struct check_limit *limit, uint64_t value,
		   uint64_t whole)
{
	return limit->given && value >= limit_number(limit, whole);
}

static enum check_status metric_status(const struct options *options,
				       const struct survey *survey, int metric)
{
	uint64_t whole, value = measure(survey, metric, &whole);

	if (is_past(&options->check.metrics[metric].critical, value, whole))
		return CHECK_CRITICAL;
	if (is_past(&options->check.metrics[metric].warning, value, whole))
		return CHECK_WARNING;
	return CHECK_OK;
}

static void print_number(int metric, uint64_t number)
{
	if (metrics[metric].unit == TIME)
		printf("%" PRIu64 ".%03" PRIu64 "s", number / 1000,
		       number % 1000);
	else
		printf("%" PRIu64 "%s", number,
		       metric == CHECK_MEMORY ? "B" : "");
}

static void print_limit(const struct check_limit *limit, int metric,
			uint64_t whole)
{
	uint64_t number = limit_number(limit, whole);

	if (!limit->given)
		return;
	if (metrics[metric].unit == TIME)
		printf("%" PRIu64 ".%03" PRIu64, number / 1000, number % 1000);
	else
		printf("%" PRIu64, number);
}

/* Prints the metrics that are past a limit, or all metrics if none is. */
static void print_reasons(const struct options *options,
			  const struct survey *survey, enum check_status status)
{
	int shown = 0;

	for (int i = 0; i < CHECK_METRICS; i++) {
		uint64_t whole, value = measure(survey, i, &whole);

		if (!options->check.metrics[i].given ||
		    (status && !metric_status(options, survey, i)))
			continue;
		printf("%s%s ", shown++ ? ", " : ": ", metrics[i].name);
		print_number(i, value);
		if (whole)
			printf(" of %" PRIu64 " (%u%%)", whole,
			       text_percent(value, whole));
	}
}

static void print_figures(const struct options *options,
			  const struct survey *survey)
{
	int shown = 0;

	for (int i = 0; i < CHECK_METRICS; i++) {
		uint64_t whole, value = measure(survey, i, &whole);

		if (!options->check.metrics[i].given)
			continue;
		printf("%s%s=", shown++ ? " " : " | ", metrics[i].name);
		print_number(i, value);
		putchar(';');
		print_limit(&options->check.metrics[i].warning, i, whole);
		putchar(';');
		print_limit(&options->check.metrics[i].critical, i, whole);
		printf(";0");
		if (whole)
			printf(";%" PRIu64, whole);
	}
}

static enum check_status judge(const struct options *options,
			       const struct survey *survey)
{
	enum check_status worst = survey->damaged ? CHECK_CRITICAL : CHECK_OK;

	for (int i = 0; i < CHECK_METRICS; i++) {
		enum check_status status = metric_status(options, survey, i);

		if (status > worst)
			worst = status;
	}
	if (!worst && !survey->chosen.keys && filter_chooses(&options->filter))
		worst = CHECK_WARNING;
	return worst;
}

static void report(const struct options *options, const struct survey *survey,
		   enum check_status status)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	static struct cell key;
	const struct survey_chosen *chosen = &survey->chosen;

	printf("SFSHM %s - %.64s", words[status], options->segment);
	print_reasons(options, survey, status);
	if (!chosen->keys && filter_chooses(&options->filter))
		printf(": no key matches");
	if (survey->damaged)
		printf(": %" PRIu64 " damaged, run sfshm-ctl verify",
		       survey->damaged);
	cell_clear(&key);
	cell_bytes(&key, chosen->key, chosen->key_len, 64);
	/* A bar would begin the figures. */
	for (char *bar = key.text; (bar = strchr(bar, '|')); bar++)
		*bar = '!';
	if (status && chosen->key_len)
		printf(" (%s)", key.text);
	print_figures(options, survey);
	putchar('\n');
}

static int unknown(const struct options *options, int error, const char *why)
{
	printf("SFSHM UNKNOWN - %.64s: %s\n", options->segment,
	       *why ? why : sfshm_strerror(error));
	args_flush();
	return CHECK_UNKNOWN;
}

int check_show(const struct options *options)
{
	static struct survey survey;
	struct filter filter = options->filter;
	struct sfshm_view *view;
	enum check_status status;
	char why[256] = "";
	int r;

	fault_guard(options->segment);
	r = sfshm_view_open(&view, options->segment, why, sizeof(why));
	if (r)
		return unknown(options, r, why);
	r = survey_take(&survey, view, &filter, SURVEY_NONE, NULL);
	sfshm_view_close(view);
	if (r)
		return unknown(options, r, why);
	status = judge(options, &survey);
	report(options, &survey, status);
	return args_flush() ? CHECK_UNKNOWN : (int)status;
}
