/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "oracle.h"
#include "sharing.h"
#include "world.h"

static const char letters[] = "-skzrx";
static const struct scenario *told;

/* A run that goes on and on is not told to its end. */
#define MOST_LINES 40
static unsigned int lines;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void report_begin(struct report_row *row)
{
	row->before = schedule_counts;
	row->began = seconds();
}

void report_end(struct report_row *row, const struct search *s, bool found)
{
	const struct schedule_counts *c = &schedule_counts;
	double took = seconds() - row->began;
	uint64_t runs = c->runs - row->before.runs;

	printf("%-18s budget %u: %3u words %9llu schedules %9llu states %8llu deaths "
	       "%10llu points %6.1f s %7.0f/s%s\n",
	       row->scenario->name, s->budget, sharing_count(),
	       (unsigned long long)runs, (unsigned long long)s->states,
	       (unsigned long long)(c->deaths - row->before.deaths),
	       (unsigned long long)(c->points - row->before.points), took,
	       took > 0 ? (double)runs / took : 0,
	       found       ? "  FAILED" :
	       s->complete ? "" :
			     "  (not all)");
}

void report_found(struct report_row *row, const struct search *s)
{
	printf("%-15s %8llu schedules, budget %u: %s\n", row->scenario->name,
	       (unsigned long long)(schedule_counts.runs - row->before.runs),
	       s->budget, s->failure);
}

static const char *short_name(const char *where)
{
	const char *src = strstr(where, "src/");
	const char *slash = src ? strchr(src + 4, '/') : NULL;

	return slash ? slash + 1 : where;
}

void report_tell(unsigned int fiber, const char *what, const char *where,
		 uint32_t points)
{
	const char *name = told ? told->role[fiber].name : "";

	if (told && lines++ > MOST_LINES)
		return;
	printf("  P%u %-10s %5u points, at %s: %s\n", fiber, name, points,
	       short_name(where), what);
}

void report_failure(struct search *s)
{
	printf("  --replay '");
	for (unsigned int i = 0; i < s->failed.count; i++)
		printf("%s%u:%c%u", i ? " " : "", s->failed.at[i].step,
		       letters[s->failed.at[i].kind], s->failed.at[i].which);
	printf("' %s\n", s->scenario->name);
	told = s->scenario;
	lines = 0;
	schedule_tell = report_tell;
	schedule_run(s->scenario, &s->failed, NULL, NULL);
	schedule_tell = NULL;
	printf("  %s\n", s->failure);
}

bool report_parse(const char *text, struct plan *plan)
{
	unsigned int step, which;
	char kind;
	int n;

	memset(plan, 0, sizeof(*plan));
	while (sscanf(text, " %u:%c%u%n", &step, &kind, &which, &n) == 3) {
		const char *at = strchr(letters, kind);

		if (!at || plan->count == MOST_DEVIATIONS)
			return false;
		plan->at[plan->count++] = (struct deviation){
			.step = step,
			.kind = (uint8_t)(at - letters),
			.which = (uint8_t)which,
		};
		text += n;
	}
	return text[strspn(text, " ")] == '\0';
}
