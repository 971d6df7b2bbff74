/* SPDX-License-Identifier: MIT */
#include "look/filter.h"

#include <fnmatch.h>
#include <string.h>

#include <sfshm/semaphore.h>

#include "look/phase.h"

/* A pattern cannot hold a NUL, so this byte stands in for it. */
#define NUL_STAND_IN '\x01'

static int key_matches(const char *pattern, const struct sfshm_slot_info *slot)
{
	char key[sizeof(slot->key) + 1];
	char *nul;

	memcpy(key, slot->key, slot->key_len);
	key[slot->key_len] = '\0';
	while ((nul = memchr(key, '\0', slot->key_len)))
		*nul = NUL_STAND_IN;
	return fnmatch(pattern, key, 0) == 0;
}

int filter_chooses(const struct filter *filter)
{
	return filter->key_pattern || filter->phases || filter->kinds ||
	       filter->waiting || filter->pid || filter->older_ms;
}

void filter_prepare(struct filter *filter, struct sfshm_view *view)
{
	struct sfshm_participant_info info = { .size = sizeof(info) };
	uint32_t *count = &filter->awaited_count;

	*count = 0;
	if (!filter->pid)
		return;
	for (uint32_t i = 0; *count < FILTER_AWAITED_MAX; i++) {
		int r = sfshm_view_participant(view, i, &info);

		if (r)
			return;
		if (info.attached && info.pid == filter->pid &&
		    info.waits_for >= 0)
			filter->awaited[(*count)++] = (uint32_t)info.waits_for;
	}
}

static int has_permit(struct sfshm_view *view, uint32_t slot, int32_t pid)
{
	static uint32_t holders[SFSHM_PERMITS_MAX];
	struct sfshm_participant_info who = { .size = sizeof(who) };
	int n = sfshm_view_permits(view, slot, holders, SFSHM_PERMITS_MAX);

	for (int i = 0; i < n && i < SFSHM_PERMITS_MAX; i++)
		if (!sfshm_view_participant(view, holders[i], &who) &&
		    who.pid == pid)
			return 1;
	return 0;
}

static int concerns_pid(const struct filter *filter, struct sfshm_view *view,
			const struct sfshm_slot_info *slot)
{
	if (slot->owner && slot->owner_pid == filter->pid)
		return 1;
	for (uint32_t i = 0; i < filter->awaited_count; i++)
		if (filter->awaited[i] == slot->index)
			return 1;
	return phase_is_shared(slot) &&
	       has_permit(view, slot->index, filter->pid);
}

int filter_wants(const struct filter *filter, struct sfshm_view *view,
		 const struct sfshm_slot_info *slot)
{
	unsigned int phase = 1u << slot->phase | 1u << phase_of_slot(slot);

	if (filter->phases && !(filter->phases & phase))
		return 0;
	if (filter->kinds && !(filter->kinds & 1u << slot->kind))
		return 0;
	if (filter->waiting && !slot->waiters)
		return 0;
	if (filter->older_ms && slot->age_ms < (int64_t)filter->older_ms)
		return 0;
	if (filter->key_pattern && !key_matches(filter->key_pattern, slot))
		return 0;
	return !filter->pid || concerns_pid(filter, view, slot);
}
