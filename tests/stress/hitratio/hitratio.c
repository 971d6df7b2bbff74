/* SPDX-License-Identifier: MIT */
/*
 * hitratio [REQUESTS]: prints which part of requests finds its key, in the
 * library and in simulations of other eviction policies, as a table in
 * Markdown. The traces are the same in every run.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy.h"

#define POPULAR 100000 /* keys that follow Zipf's law */
/* In traces with scans: after so many requests ... */
#define BETWEEN_SCANS 50000
/* ... so many keys are asked for once, which nobody asks for again. */
#define SCAN 20000

static const struct policy *const policies[] = {
	&policy_lru,    &policy_clock, &policy_sieve,
	&policy_s3fifo, &policy_sfshm,
};
#define POLICIES (sizeof(policies) / sizeof(policies[0]))

struct trace {
	uint32_t *keys;
	uint32_t n;
	uint32_t highest; /* keys are below it */
};

static uint64_t random_state;

/* Splitmix64, by Sebastiano Vigna. */
static double random_unit(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ z >> 31) >> 11) / (double)(UINT64_C(1) << 53);
}

static double *zipf_sums(double exponent)
{
	double *sums = malloc(POPULAR * sizeof(*sums)), sum = 0;

	if (!sums)
		return NULL;
	for (uint32_t i = 0; i < POPULAR; i++)
		sums[i] = sum += pow(i + 1, -exponent);
	for (uint32_t i = 0; i < POPULAR; i++)
		sums[i] /= sum;
	return sums;
}

static uint32_t zipf_next(const double *sums)
{
	double u = random_unit();
	uint32_t low = 0, high = POPULAR - 1;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (sums[mid] < u)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int trace_make(struct trace *t, uint32_t n, double exponent, bool scans)
{
	double *sums = zipf_sums(exponent);
	uint32_t left = 0, once = POPULAR;

	t->keys = malloc(n * sizeof(*t->keys));
	t->n = n;
	random_state = 1;
	for (uint32_t i = 0; sums && t->keys && i < n; i++) {
		if (scans && i % (BETWEEN_SCANS + SCAN) == BETWEEN_SCANS)
			left = SCAN;
		t->keys[i] = left ? once++ : zipf_next(sums);
		left -= left > 0;
	}
	t->highest = once;
	free(sums);
	return sums && t->keys ? 0 : -1;
}

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

static void print_row(double exponent, bool scans, uint32_t n,
		      uint32_t capacity)
{
	struct trace t;

	if (trace_make(&t, n, exponent, scans)) {
		fputs("hitratio: no memory for the trace\n", stderr);
		exit(1);
	}
	printf("| Zipf %.1f%s | %u |", exponent, scans ? " and scans" : "",
	       capacity);
	for (size_t i = 0; i < POLICIES; i++) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r\033[K%s", policies[i]->name);
		printf(" %.4f |", replay(policies[i], &t, capacity));
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	putchar('\n');
	fflush(stdout);
	free(t.keys);
}

int main(int argc, char **argv)
{
	static const double exponents[] = { 0.9, 1.0, 1.1 };
	static const uint32_t capacities[] = { POPULAR / 100, POPULAR / 10 };
	int n = argc > 1 ? atoi(argv[1]) : 1000000;

	if (argc > 2 || n < 1000 || n > 1000000000) {
		fputs("usage: hitratio [REQUESTS], 1000 to 1000000000\n",
		      stderr);
		return 2;
	}
	printf("| trace | slots |");
	for (size_t i = 0; i < POLICIES; i++)
		printf(" %s |", policies[i]->name);
	printf("\n| --- | ---: |");
	for (size_t i = 0; i < POLICIES; i++)
		printf(" ---: |");
	putchar('\n');
	for (int scans = 0; scans < 2; scans++)
		for (int e = 0; e < 3; e++)
			for (int c = 0; c < 2; c++)
				print_row(exponents[e], scans, (uint32_t)n,
					  capacities[c]);
	return 0;
}
