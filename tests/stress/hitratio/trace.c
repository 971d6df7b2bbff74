/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In traces with scans: after so many requests ... */
#define BETWEEN_SCANS 50000
/* ... so many keys are asked for once, which nobody asks for again. */
#define SCAN 20000
/* In traces that drift, each key takes the next one's place after so many. */
#define DRIFT 100

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

int trace_make(struct trace *t, uint32_t n, const struct recipe *r)
{
	double *sums = zipf_sums(r->exponent);
	uint32_t left = 0, once = POPULAR;

	t->keys = malloc(n * sizeof(*t->keys));
	t->n = n;
	random_state = 1;
	for (uint32_t i = 0; sums && t->keys && i < n; i++) {
		if (r->scans && i % (BETWEEN_SCANS + SCAN) == BETWEEN_SCANS)
			left = SCAN;
		t->keys[i] = left ? once++ : zipf_next(sums);
		if (r->drifts)
			t->keys[i] = (t->keys[i] + i / DRIFT) % POPULAR;
		left -= left > 0;
	}
	t->highest = once;
	free(sums);
	return sums && t->keys ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Gives the ids numbers from 0 on. */
static int renumber(struct trace *t, const uint64_t *ids, uint32_t n)
{
	uint64_t *sorted = malloc(n * sizeof(*sorted));

	t->n = n;
	t->highest = 0;
	t->keys = malloc(n * sizeof(*t->keys));
	if (!sorted || !t->keys) {
		free(sorted);
		return -1;
	}
	memcpy(sorted, ids, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	for (uint32_t i = 0; i < n; i++)
		if (!i || sorted[t->highest - 1] != sorted[i])
			sorted[t->highest++] = sorted[i];
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t *at = bsearch(&ids[i], sorted, t->highest,
					     sizeof(*sorted), compare);

		t->keys[i] = (uint32_t)(at - sorted);
	}
	free(sorted);
	return 0;
}

static bool make_room(uint64_t **ids, uint32_t n, uint32_t *room)
{
	uint32_t larger = *room ? *room * 2 : 1 << 16;
	uint64_t *more;

	if (n < *room)
		return true;
	more = larger > 1 << 30 ? NULL : realloc(*ids, larger * sizeof(*more));
	if (!more)
		return false;
	*ids = more;
	*room = larger;
	return true;
}

/* Returns how many ids there are, or -1. */
static int64_t read_ids(FILE *f, const char *path, uint64_t **ids)
{
	uint32_t n = 0, room = 0;
	char line[64], *end;

	for (; fgets(line, sizeof(line), f); n++) {
		if (!make_room(ids, n, &room)) {
			fprintf(stderr, "hitratio: %s: no memory for it\n",
				path);
			return -1;
		}
		(*ids)[n] = strtoull(line, &end, 10);
		if (end == line || (*end && *end != '\n')) {
			fprintf(stderr,
				"hitratio: %s:%" PRIu32 ": not a number; a "
				"trace has one on each line\n",
				path, n + 1);
			return -1;
		}
	}
	return n;
}

int trace_read(struct trace *t, const char *path)
{
	FILE *f = strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
	uint64_t *ids = NULL;
	int64_t n;
	int r = -1;

	if (!f) {
		fprintf(stderr, "hitratio: %s: %s\n", path, strerror(errno));
		return -1;
	}
	n = read_ids(f, path, &ids);
	if (n > 0)
		r = renumber(t, ids, (uint32_t)n);
	if (!n || (n > 0 && r))
		fprintf(stderr, "hitratio: %s: %s\n", path,
			n ? "no memory for it" : "empty");
	if (f != stdin)
		fclose(f);
	free(ids);
	return r;
}
