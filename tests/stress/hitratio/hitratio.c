/* SPDX-License-Identifier: MIT */
/*
 * hitratio [REQUESTS]: prints which part of requests finds its key, in the
 * library and in simulations of other eviction policies, as a table in
 * Markdown. The traces are the same in every run.
 *
 * hitratio --trace FILE: the same for the trace in the file, a number a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"
#include "trace.h"

static const struct policy *const policies[] = {
	&policy_lru,    &policy_clock, &policy_sieve,
	&policy_s3fifo, &policy_sfshm,
};
#define POLICIES (sizeof(policies) / sizeof(policies[0]))

/* The first quarter only warms the cache. */
static double replay(const struct policy *policy, const struct trace *t,
		     uint32_t capacity)
{
	struct cache *c = policy->make(capacity, t->highest);
	uint32_t hits = 0, from = t->n / 4;

	if (!c) {
		fprintf(stderr, "hitratio: no memory for %s\n", policy->name);
		exit(1);
	}
	for (uint32_t i = 0; i < t->n; i++)
		hits += policy->ask(c, t->keys[i]) && i >= from;
	policy->free(c);
	return hits / (double)(t->n - from);
}

static void print_row(const char *name, const struct trace *t,
		      uint32_t capacity)
{
	printf("| %s | %u |", name, capacity);
	for (size_t i = 0; i < POLICIES; i++) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r\033[K%s", policies[i]->name);
		printf(" %.4f |", replay(policies[i], t, capacity));
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	putchar('\n');
	fflush(stdout);
}

static void print_heading(void)
{
	printf("| trace | slots |");
	for (size_t i = 0; i < POLICIES; i++)
		printf(" %s |", policies[i]->name);
	printf("\n| --- | ---: |");
	for (size_t i = 0; i < POLICIES; i++)
		printf(" ---: |");
	putchar('\n');
}

static void print_made(uint32_t n)
{
	static const struct recipe recipes[] = {
		{ 0.9, false, false }, { 1.0, false, false },
		{ 1.1, false, false }, { 0.9, true, false },
		{ 1.0, true, false },  { 1.1, true, false },
		{ 1.0, false, true },
	};
	char name[32];
	struct trace t;

	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		if (trace_make(&t, n, &recipes[i])) {
			fputs("hitratio: no memory for the trace\n", stderr);
			exit(1);
		}
		snprintf(name, sizeof(name), "Zipf %.1f%s", recipes[i].exponent,
			 recipes[i].scans  ? " and scans" :
			 recipes[i].drifts ? ", drifting" :
					     "");
		print_row(name, &t, POPULAR / 100);
		print_row(name, &t, POPULAR / 10);
		free(t.keys);
	}
}

static void print_read(const char *path)
{
	static const uint32_t capacities[] = { 500, 5000, 10000, 20000 };
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct trace t;

	if (trace_read(&t, path))
		exit(1);
	print_heading();
	for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++)
		print_row(strcmp(name, "-") != 0 ? name : "trace", &t,
			  capacities[i]);
	free(t.keys);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1000000;

	if (argc == 3 && !strcmp(argv[1], "--trace")) {
		print_read(argv[2]);
		return 0;
	}
	if (argc > 2 || n < 1000 || n > 1000000000) {
		fputs("usage: hitratio [REQUESTS], 1000 to 1000000000; or "
		      "hitratio --trace FILE\n",
		      stderr);
		return 2;
	}
	print_heading();
	print_made((uint32_t)n);
	return 0;
}
