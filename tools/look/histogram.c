/* SPDX-License-Identifier: MIT */
#include "look/histogram.h"

/* Times below 4 have buckets of their own; the others keep three bits. */
static unsigned int bucket_of(uint64_t time)
{
	unsigned int shift;

	if (time < 4)
		return (unsigned int)time;
	shift = 61 - (unsigned int)__builtin_clzll(time);
	return 4 * shift + (unsigned int)(time >> shift);
}

static uint64_t bucket_time(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < 8)
		return bucket;
	shift = bucket / 4 - 1;
	return (uint64_t)(bucket - 4 * shift) << shift;
}

void histogram_add(struct histogram *histogram, uint64_t time, uint64_t weight)
{
	histogram->count[bucket_of(time)] += weight;
	histogram->total += weight;
}

int64_t histogram_percentile(const struct histogram *histogram,
			     unsigned int percent)
{
	uint64_t seen = 0;

	if (!histogram->total)
		return -1;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->count[i];
		if (seen * 100 >= histogram->total * percent && seen)
			return (int64_t)(bucket_time(i) & INT64_MAX);
	}
	return -1;
}
