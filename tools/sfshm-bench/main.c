/* SPDX-License-Identifier: MIT */
/* sfshm-bench: runs cases in turns with their peers and prints the ratios. */
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define ROUNDS 15
#define QUICK_ROUNDS 5

static const struct bench *const groups[] = {
	hit_benches,    bare_benches,     lmdb_benches, lock_benches,
	flight_benches, insert_benches,   wake_benches, herd_benches,
	scale_benches,  takeover_benches, run_benches,  huge_benches,
	server_benches, attach_benches,   poll_benches, shared_benches,
	large_benches,
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

struct options {
	bool json;
	int rounds;
	const char *plot;
	char **names;
	int count;
};

static void print_text(const struct bench *b, const struct figures *f)
{
	char target[32] = "-";

	if (b->target > 0)
		snprintf(target, sizeof(target), "<= %.2f", b->target);
	printf("%-18s %11.1f %11.1f %7.3f  %6.3f-%-6.3f %-8s %s\n", b->name,
	       f->ours, f->theirs, f->ratio, f->lower, f->upper, target,
	       b->peer);
	fflush(stdout);
}

static void print_json(const struct bench *b, const struct figures *f,
		       bool first)
{
	json_t *row = json_pack(
		"{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "case",
		b->name, "peer", b->peer, "what", b->what, "ours_ns", f->ours,
		"peer_ns", f->theirs, "ratio", f->ratio, "ratio_min",
		f->smallest, "ratio_max", f->biggest, "ratio_lower", f->lower,
		"ratio_upper", f->upper);

	if (!row || (b->target > 0 &&
		     json_object_set_new(row, "target", json_real(b->target))))
		bench_die("JSON", -ENOMEM);
	printf("%s\n  ", first ? "" : ",");
	json_dumpf(row, stdout, JSON_REAL_PRECISION(6));
	fflush(stdout);
	json_decref(row);
}

/* Whether `name` is the case's name, or its part before a hyphen. */
static bool matches(const struct bench *b, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(b->name, name, len) &&
	       (!b->name[len] || b->name[len] == '-');
}

static bool wanted(const struct options *o, const struct bench *b)
{
	for (int i = 0; i < o->count; i++)
		if (matches(b, o->names[i]))
			return true;
	return o->count == 0;
}

static void run(const struct options *o, const struct bench *b, bool *first)
{
	const char *why = b->prepare(b);
	struct figures f;

	if (why) {
		fprintf(stderr, "sfshm-bench: %s, %s: skipped: %s\n", b->name,
			b->peer, why);
		return;
	}
	bench_measure(b, o->rounds, &f);
	b->clean_up(b);
	if (o->json)
		print_json(b, &f, *first);
	else
		print_text(b, &f);
	*first = false;
}

static void run_all(const struct options *o)
{
	bool first = true;

	if (o->json)
		printf("[");
	else
		printf("%-18s %11s %11s %7s  %-13s %-8s %s\n", "case",
		       "ours ns", "peer ns", "ratio", "middle half", "target",
		       "peer");
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct bench *b = groups[g]; b->name; b++)
			if (wanted(o, b))
				run(o, b, &first);
	if (o->json)
		printf("\n]\n");
	fflush(stdout);
	if (o->plot)
		bench_plot(o->plot, o->rounds);
}

static bool known(const char *name)
{
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct bench *b = groups[g]; b->name; b++)
			if (matches(b, name))
				return true;
	return false;
}

static void usage(FILE *to)
{
	fprintf(to, "usage: sfshm-bench [--json] [--quick] [--plot DIR] "
		    "[CASE...]\n"
		    "CASE is a case's name or its part before a hyphen; "
		    "without CASE, all are run.\n--plot also measures how "
		    "costs grow, and draws the curves into DIR.\n");
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct bench *b = groups[g]; b->name; b++)
			fprintf(to, "  %-18s %s\n  %-18s   against %s\n",
				b->name, b->what, "", b->peer);
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "quick", no_argument, NULL, 'q' },
		{ "plot", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'j': o->json = true; break;
		case 'q': o->rounds = QUICK_ROUNDS; break;
		case 'p': o->plot = optarg; break;
		case 'h': usage(stdout); exit(0);
		default: usage(stderr); return 2;
		}
	}
	o->names = argv + optind;
	o->count = argc - optind;
	for (int i = 0; i < o->count; i++) {
		if (known(o->names[i]))
			continue;
		fprintf(stderr,
			"sfshm-bench: no case '%s'; --help lists all cases\n",
			o->names[i]);
		return 2;
	}
	return 0;
}

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

bool bench_interrupted(void)
{
	return interrupted;
}

int main(int argc, char **argv)
{
	struct options o = { .rounds = ROUNDS };
	int r = parse(argc, argv, &o);

	if (r)
		return r;
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	run_all(&o);
	return 0;
}
