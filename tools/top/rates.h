/* SPDX-License-Identifier: MIT */
/* Rates of the counters: now, and on average over the last minute. */
#ifndef TOP_RATES_H
#define TOP_RATES_H

#include <stdint.h>

#include "look/survey.h"

#define RATES_MINUTE_MS 60000

/* Samples of a minute, at one a second; at a higher rate some are left out. */
#define RATES_SAMPLES 64

enum rate { RATE_CALLS, RATE_SAVED, RATE_RUNS, RATE_FAILED, RATE_KINDS };

struct rates_sample {
	uint64_t at_ms;
	uint64_t count[RATE_KINDS];
};

struct rates {
	struct rates_sample last, before;        /* of the present interval */
	struct rates_sample ring[RATES_SAMPLES]; /* oldest first */
	unsigned int used;
};

/* Adds a sample. Begins anew if the counters belong to another segment. */
void rates_add(struct rates *rates, const struct survey *survey,
	       uint64_t now_ms);

/* Events per second. Returns 0 if there are not two samples. */
int rates_now(const struct rates *rates, double out[RATE_KINDS]);
int rates_minute(const struct rates *rates, double out[RATE_KINDS]);

#endif
