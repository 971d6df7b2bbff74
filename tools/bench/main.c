/* SPDX-License-Identifier: MIT */
/* sfshm-bench: runs cases in turns with their peers and prints the ratios. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS 15
#define QUICK_ROUNDS 5
#define SKIPPED 77

static const struct bench *const groups[] = {
	hit_benches,
	flight_benches,
	attach_benches,
};

/* One case's figures. */
struct figures {
	double ours, theirs; /* ns for one operation, the medians */
	double ratio, least, most;
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), by_size);
	return v[n / 2];
}

static void progress(const struct bench *b, int round, int rounds)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s %d/%d", b->name, round, rounds);
}

/* The spread is of the ratios' middle half, round by round. */
static void measure(const struct bench *b, int rounds, struct figures *f)
{
	double ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS];

	b->ours(b, b->batch / 10 + 1);
	b->theirs(b, b->batch / 10 + 1);
	for (int i = 0; i < rounds; i++) {
		progress(b, i + 1, rounds);
		ours[i] = (double)b->ours(b, b->batch) / (double)b->batch;
		theirs[i] = (double)b->theirs(b, b->batch) / (double)b->batch;
		ratios[i] = ours[i] / theirs[i];
	}
	f->ratio = median(ratios, rounds);
	f->least = ratios[rounds / 4];
	f->most = ratios[rounds - 1 - rounds / 4];
	f->ours = median(ours, rounds);
	f->theirs = median(theirs, rounds);
}

static void print_text(const struct bench *b, const struct figures *f)
{
	char target[32] = "-";

	if (b->target > 0)
		snprintf(target, sizeof(target), "<= %.2f", b->target);
	printf("%-14s %9.1f %9.1f  %6.2f  %5.2f-%-5.2f  %-8s %s\n", b->name,
	       f->ours, f->theirs, f->ratio, f->least, f->most, target,
	       b->peer);
	fflush(stdout);
}

static void print_json(const struct bench *b, const struct figures *f,
		       bool first)
{
	printf("%s\n  {\"case\": \"%s\", \"peer\": \"%s\", \"ours_ns\": %.2f, "
	       "\"peer_ns\": %.2f, \"ratio\": %.4f, \"ratio_min\": %.4f, "
	       "\"ratio_max\": %.4f}",
	       first ? "" : ",", b->name, b->peer, f->ours, f->theirs, f->ratio,
	       f->least, f->most);
	fflush(stdout);
}

struct options {
	bool json;
	int rounds;
	char **names;
	int count;
};

static bool wanted(const struct options *o, const struct bench *b)
{
	for (int i = 0; i < o->count; i++)
		if (!strcmp(o->names[i], b->name))
			return true;
	return o->count == 0;
}

static void run(const struct options *o, const struct bench *b, bool *first)
{
	struct figures f;
	int r = b->prepare(b);

	if (r == SKIPPED) {
		fprintf(stderr, "sfshm-bench: %s: cannot run here: skipped\n",
			b->name);
		return;
	}
	if (r)
		bench_die(b->name, r);
	measure(b, o->rounds, &f);
	b->clean_up(b);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
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
		printf("%-14s %9s %9s  %6s  %-11s  %-8s %s\n", "case",
		       "ours ns", "peer ns", "ratio", "spread", "target",
		       "peer");
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct bench *b = groups[g]; b->name; b++)
			if (wanted(o, b))
				run(o, b, &first);
	if (o->json)
		printf("\n]\n");
}

static const struct bench *find(const char *name)
{
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct bench *b = groups[g]; b->name; b++)
			if (!strcmp(b->name, name))
				return b;
	return NULL;
}

static void usage(FILE *to)
{
	fprintf(to, "usage: sfshm-bench [--json] [--quick] [CASE...]\n");
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct bench *b = groups[g]; b->name; b++)
			fprintf(to, "  %-14s %s\n", b->name, b->what);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "quick", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { .rounds = ROUNDS };
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'j': o.json = true; break;
		case 'q': o.rounds = QUICK_ROUNDS; break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return 2;
		}
	}
	o.names = argv + optind;
	o.count = argc - optind;
	for (int i = 0; i < o.count; i++) {
		if (find(o.names[i]))
			continue;
		fprintf(stderr,
			"sfshm-bench: no case '%s': --help lists them\n",
			o.names[i]);
		return 2;
	}
	run_all(&o);
	return 0;
}
