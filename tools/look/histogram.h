/* SPDX-License-Identifier: MIT */
/*
 * A histogram of times: four buckets for each power of two, so that a
 * percentile is less than a fifth off.
 */
#ifndef LOOK_HISTOGRAM_H
#define LOOK_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 256

struct histogram {
	uint64_t total;
	uint64_t count[HISTOGRAM_BUCKETS];
};

/* Adds the time, in any unit, `weight` times. */
void histogram_add(struct histogram *histogram, uint64_t time, uint64_t weight);

/* The time that `percent` of all times do not exceed; -1: there is none. */
int64_t histogram_percentile(const struct histogram *histogram,
			     unsigned int percent);

#endif
