/* SPDX-License-Identifier: MIT */
/* explore: see docs/evidence.md, and tools/explore. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fiber.h"
#include "memory.h"
#include "oracle.h"
#include "report.h"
#include "scenario.h"
#include "search.h"
#include "sharing.h"
#include "twin.h"

struct options {
	const char *replay;
	uint64_t most_runs;
	int budget;
	bool full;
	bool quiet;
	bool verbose;
	bool list;
};

static const char usage[] =
	"usage: explore [-f] [-b BUDGET] [-n RUNS] [-q] [-v] [-w] "
	"[-r SCHEDULE] [SCENARIO...]\n"
	"       explore -l\n";

/* The short form tries so many runs of each budget, unless a scenario says. */
#define SHORT_RUNS 4000

static bool prepare(const struct scenario *s)
{
	if (schedule_prepare(s))
		return true;
	printf("%s: its set-up has failed: %s\n", s->name, oracle_failure);
	return false;
}

static bool explore(const struct scenario *s, const struct options *o)
{
	struct search search = { .scenario = s, .most_runs = o->most_runs };
	struct report_row row = { .scenario = s };
	unsigned int most = o->budget >= 0 ? (unsigned int)o->budget :
					     s->budget;
	bool found = false;

	if (!prepare(s))
		return false;
	if (!o->full && !o->most_runs)
		search.most_runs = s->runs ? s->runs : SHORT_RUNS;
	sharing_forget();
	report_begin(&row);
	for (unsigned int b = 0; b <= most && !found; b++) {
		search.budget = b;
		found = search_run(&search);
	}
	if (o->quiet && found) {
		report_found(&row, &search);
		return false;
	}
	report_end(&row, &search, found);
	if (found)
		report_failure(&search);
	return !found;
}

static bool replay(const struct scenario *s, const struct options *o)
{
	struct plan plan;
	enum verdict v;

	if (!report_parse(o->replay, &plan)) {
		fprintf(stderr,
			"explore: '%s' is no schedule; it is one as a failure "
			"prints it, like '37:s1 52:k0'\n",
			o->replay);
		exit(2);
	}
	if (!prepare(s))
		return false;
	schedule_verbose = o->verbose;
	schedule_tell = report_tell;
	v = schedule_run(s, &plan, NULL, NULL);
	printf("%s: %s\n", s->name,
	       v == VERDICT_FAILED ? oracle_failure : "nothing is wrong");
	return v != VERDICT_FAILED;
}

static const struct scenario *find(const char *name)
{
	for (int i = 0; scenarios[i]; i++)
		if (!strcmp(scenarios[i]->name, name))
			return scenarios[i];
	fprintf(stderr, "explore: there is no scenario '%s'; -l lists them\n",
		name);
	exit(2);
}

static bool one(const struct scenario *s, const struct options *o)
{
	return o->replay ? replay(s, o) : explore(s, o);
}

static void parse(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "fb:n:qr:vwl")) != -1) {
		switch (c) {
		case 'b': o->budget = atoi(optarg); break;
		case 'n': o->most_runs = strtoull(optarg, NULL, 0); break;
		case 'f': o->full = true; break;
		case 'q': o->quiet = true; break;
		case 'r': o->replay = optarg; break;
		case 'v': o->verbose = true; break;
		case 'w': memory_weak = true; break;
		case 'l': o->list = true; break;
		default: fputs(usage, stderr); exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = { .budget = -1 };
	bool good = true;

	parse(argc, argv, &o);
	if (o.full)
		o.most_runs = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (o.list) {
		for (int i = 0; scenarios[i]; i++)
			printf("%-18s %s\n", scenarios[i]->name,
			       scenarios[i]->what);
		return 0;
	}
	twin_prepare();
	fiber_init();
	if (optind == argc)
		for (int i = 0; scenarios[i]; i++)
			good &= scenarios[i]->toy || one(scenarios[i], &o);
	for (; optind < argc; optind++)
		good &= one(find(argv[optind]), &o);
	return good ? 0 : 1;
}
