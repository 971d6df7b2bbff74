/* SPDX-License-Identifier: MIT */
#include "rates.h"

#include <string.h>

#define SPACING_MS (RATES_MINUTE_MS / (RATES_SAMPLES - 4))

static void drop_first(struct rates *rates)
{
	rates->used--;
	memmove(rates->ring, rates->ring + 1,
		rates->used * sizeof(rates->ring[0]));
}

/* Keeps the sample for the average, unless there is a young one. */
static void keep(struct rates *rates, const struct rates_sample *sample)
{
	if (rates->used &&
	    sample->at_ms - rates->ring[rates->used - 1].at_ms < SPACING_MS)
		return;
	while (rates->used == RATES_SAMPLES ||
	       (rates->used > 1 &&
		sample->at_ms - rates->ring[0].at_ms > RATES_MINUTE_MS))
		drop_first(rates);
	rates->ring[rates->used++] = *sample;
}

void rates_add(struct rates *rates, const struct survey *survey,
	       uint64_t now_ms)
{
	struct rates_sample sample = {
		.at_ms = now_ms,
		.count = {
			[RATE_CALLS] = survey_counter(survey, "gets"),
			[RATE_SAVED] = survey_saved_calls(survey),
			[RATE_RUNS] = survey_counter(survey, "loads"),
			[RATE_FAILED] = survey_counter(survey, "load_errs"),
		},
	};

	for (int i = 0; i < RATE_KINDS; i++)
		if (sample.count[i] < rates->last.count[i])
			memset(rates, 0, sizeof(*rates));
	rates->before = rates->last;
	rates->last = sample;
	keep(rates, &sample);
}

static int between(const struct rates_sample *from,
		   const struct rates_sample *to, double out[RATE_KINDS])
{
	if (!from->at_ms || to->at_ms <= from->at_ms)
		return 0;
	for (int i = 0; i < RATE_KINDS; i++)
		out[i] = (double)(to->count[i] - from->count[i]) * 1000 /
			 (double)(to->at_ms - from->at_ms);
	return 1;
}

int rates_now(const struct rates *rates, double out[RATE_KINDS])
{
	return between(&rates->before, &rates->last, out);
}

int rates_minute(const struct rates *rates, double out[RATE_KINDS])
{
	return rates->used && between(&rates->ring[0], &rates->last, out);
}
