/* SPDX-License-Identifier: MIT */
#include "look/survey.h"

#include <errno.h>
#include <string.h>

#include "look/phase.h"

static void counters_read(struct survey *survey, struct sfshm_view *view)
{
	struct survey_counter *counter = survey->counters;
	uint32_t i;

	for (i = 0; i < SURVEY_COUNTERS_MAX; i++, counter++)
		if (sfshm_view_counter(view, i, &counter->name, &counter->help,
				       &counter->value))
			break;
	survey->counters_count = i;
}

static void times_read(struct survey *survey, struct sfshm_view *view)
{
	struct survey_times *times = survey->times;
	uint32_t i;

	for (i = 0; i < SURVEY_TIMES_MAX; i++, times++) {
		times->info.size = sizeof(times->info);
		if (sfshm_view_histogram(view, i, &times->name, &times->help,
					 &times->info))
			break;
	}
	survey->times_count = i;
}

static int participants_count(struct survey *survey, struct sfshm_view *view)
{
	struct sfshm_participant_info info = { .size = sizeof(info) };

	for (uint32_t i = 0; i < survey->segment.participants_used; i++) {
		int r = sfshm_view_participant(view, i, &info);

		if (r)
			return r;
		survey->alive += info.attached && info.alive;
		survey->dead += info.attached && !info.alive;
		survey->waiting += info.attached && info.waits_for >= 0;
	}
	return 0;
}

static void key_count(struct survey *survey, const struct sfshm_slot_info *slot)
{
	int phase = phase_of_slot(slot);

	survey->keys++;
	survey->by_kind[slot->kind][phase]++;
	survey->waiters += slot->waiters;
	if ((phase == SFSHM_PHASE_BUSY || phase == PHASE_DEAD) &&
	    slot->age_ms > survey->oldest_ms)
		survey->oldest_ms = slot->age_ms;
	survey->busy += phase == SFSHM_PHASE_BUSY;
	survey->dead_keys += phase == PHASE_DEAD;
	survey->failed += phase == SFSHM_PHASE_FAILED;
	survey->awaited += slot->waiters > 0;
	if (slot->took_us >= 0) {
		survey->took_us += (uint64_t)slot->took_us;
		survey->took_count++;
		histogram_add(&survey->took, (uint64_t)slot->took_us, 1);
	}
	if (slot->waiters && slot->age_ms >= 0)
		histogram_add(&survey->waits, (uint64_t)slot->age_ms,
			      slot->waiters);
}

static void chosen_count(struct survey_chosen *chosen,
			 const struct sfshm_slot_info *slot)
{
	int phase = phase_of_slot(slot), most = 0;
	int busy = phase == SFSHM_PHASE_BUSY || phase == PHASE_DEAD;

	chosen->keys++;
	chosen->failed += phase == SFSHM_PHASE_FAILED;
	chosen->dead += phase == PHASE_DEAD;
	if (slot->deaths > chosen->deaths)
		chosen->deaths = slot->deaths;
	if (slot->idle_ms > chosen->idle_ms)
		chosen->idle_ms = slot->idle_ms;
	if (busy && slot->age_ms > chosen->busy_ms) {
		chosen->busy_ms = slot->age_ms;
		most = !chosen->waiters;
	}
	if (slot->waiters > chosen->waiters) {
		chosen->waiters = slot->waiters;
		most = 1;
	}
	if (most) {
		chosen->key_len = slot->key_len;
		memcpy(chosen->key, slot->key, slot->key_len);
	}
}

static int slots_count(struct survey *survey, struct sfshm_view *view,
		       const struct filter *filter, enum survey_rows which,
		       const struct column *by)
{
	struct sfshm_slot_info slot = { .size = sizeof(slot) };

	for (uint32_t i = 0; i < survey->segment.slots_used; i++) {
		int r = phase_view_slot(view, i, &slot);

		survey->damaged += r == -EBADMSG;
		if (r && r != -EBADMSG)
			return r;
		if (r || !phase_is_key(&slot))
			continue;
		key_count(survey, &slot);
		if (!filter_wants(filter, view, &slot))
			continue;
		chosen_count(&survey->chosen, &slot);
		if (which == SURVEY_ALL ||
		    (which == SURVEY_URGENT && urgency_of(&slot)))
			r = rows_add(&survey->rows, view, &slot, by);
		if (r)
			return r;
	}
	return 0;
}

int survey_take(struct survey *survey, struct sfshm_view *view,
		struct filter *filter, enum survey_rows which,
		const struct column *by)
{
	struct rows rows = survey->rows;
	int r;

	rows_clear(&rows);
	memset(survey, 0, sizeof(*survey));
	survey->rows = rows;
	survey->chosen.busy_ms = -1;
	survey->oldest_ms = -1;
	survey->segment.size = sizeof(survey->segment);
	r = sfshm_view_segment(view, &survey->segment);
	if (r)
		return r;
	counters_read(survey, view);
	times_read(survey, view);
	filter_prepare(filter, view);
	r = participants_count(survey, view);
	return r ? r : slots_count(survey, view, filter, which, by);
}

void survey_free(struct survey *survey)
{
	rows_free(&survey->rows);
}

uint64_t survey_counter(const struct survey *survey, const char *name)
{
	for (uint32_t i = 0; i < survey->counters_count; i++)
		if (strcmp(survey->counters[i].name, name) == 0)
			return survey->counters[i].value;
	return 0;
}

uint64_t survey_saved_calls(const struct survey *survey)
{
	return survey_counter(survey, "hits") +
	       survey_counter(survey, "neg_hits") +
	       survey_counter(survey, "stale_hits") +
	       survey_counter(survey, "loads_deduped");
}

uint64_t survey_saved_ms(const struct survey *survey)
{
	double ms;

	if (!survey->took_count)
		return 0;
	ms = (double)survey->took_us / (double)survey->took_count / 1000 *
	     (double)survey_saved_calls(survey);
	/* A damaged segment may hold any number. */
	return ms < (double)INT64_MAX ? (uint64_t)ms : INT64_MAX;
}
