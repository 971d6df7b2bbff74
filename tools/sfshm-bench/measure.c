/* SPDX-License-Identifier: MIT */
/*
 * A round is a number of short turns, ours and the peer's alternating. A side's
 * figure in a round is the median of its turns, so that a turn that other work
 * interrupted does not count. The result has the median and the spread of the
 * rounds' ratios.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define TURN_NS 2000000
#define TURNS 12
#define TURNS_MAX 32
#define ROUNDS_MAX 64
#define WARM 8    /* a turn of n first does n / WARM that do not count */
#define MANY 1000 /* ... if n is this or more */

typedef uint64_t (*side_fn)(const struct bench *b, uint64_t n);

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), by_size);
	return n % 2 ? v[n / 2] : (v[n / 2] + v[n / 2 - 1]) / 2;
}

static void progress(const struct bench *b, int round, int rounds)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (round < rounds)
		fprintf(stderr, "\r\033[K%s %d/%d", b->name, round, rounds);
	else
		fprintf(stderr, "\r\033[K");
}

/* The shorter of two times, so that one interruption does not count. */
static uint64_t try_twice(const struct bench *b, side_fn side, uint64_t n)
{
	uint64_t first = side(b, n), second = side(b, n);

	return first < second ? first : second;
}

/* How many operations fill a turn. */
static uint64_t calibrate(const struct bench *b, side_fn side)
{
	uint64_t turn_ns = b->turn_ms ? (uint64_t)b->turn_ms * 1000000 :
					TURN_NS;
	uint64_t n = 1, took;

	if (b->batch == 1)
		return 1;
	/* The first operation also does what is needed only once. */
	side(b, 1);
	took = try_twice(b, side, 1);
	while (took < turn_ns / 2 && n < b->batch) {
		n = n * 2 < b->batch ? n * 2 : b->batch;
		took = try_twice(b, side, n);
	}
	if (took > turn_ns)
		n = n * turn_ns / took;
	return n ? n : 1;
}

static double turn(const struct bench *b, side_fn side, uint64_t n)
{
	if (bench_interrupted())
		exit(130);
	if (n >= MANY)
		side(b, n / WARM);
	return (double)side(b, n) / (double)n;
}

/* Plays a round. The sides change their order, so neither is always first. */
static void play(const struct bench *b, int turns, const uint64_t n[2],
		 double *ours, double *theirs)
{
	double mine[TURNS_MAX] = { 0 }, other[TURNS_MAX] = { 0 };

	for (int i = 0; i < turns; i++) {
		if (i % 2 == 0)
			mine[i] = turn(b, b->ours, n[0]);
		other[i] = turn(b, b->theirs, n[1]);
		if (i % 2 == 1)
			mine[i] = turn(b, b->ours, n[0]);
	}
	*ours = median(mine, turns);
	*theirs = median(other, turns);
}

void bench_measure(const struct bench *b, int rounds, struct figures *f)
{
	double ours[ROUNDS_MAX] = { 0 }, theirs[ROUNDS_MAX] = { 0 };
	double ratios[ROUNDS_MAX] = { 0 };
	int turns = b->turns ? b->turns : TURNS;
	uint64_t n[2] = { calibrate(b, b->ours), calibrate(b, b->theirs) };

	if (b->rounds && rounds > b->rounds)
		rounds = b->rounds;
	for (int i = 0; i < rounds; i++) {
		progress(b, i, rounds);
		if (b->anew && i) {
			b->clean_up(b);
			b->prepare(b);
		}
		play(b, turns, n, &ours[i], &theirs[i]);
		ratios[i] = ours[i] / theirs[i];
	}
	progress(b, rounds, rounds);
	f->ratio = median(ratios, rounds);
	f->lower = ratios[rounds / 4];
	f->upper = ratios[rounds - 1 - rounds / 4];
	f->smallest = ratios[0];
	f->biggest = ratios[rounds - 1];
	f->ours = median(ours, rounds);
	f->theirs = median(theirs, rounds);
}
