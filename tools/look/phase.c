/* SPDX-License-Identifier: MIT */
#include "look/phase.h"

#include <string.h>

static const char *const phases[] = {
	[SFSHM_PHASE_IDLE] = "idle", [SFSHM_PHASE_BUSY] = "busy",
	[SFSHM_PHASE_DONE] = "done", [SFSHM_PHASE_FAILED] = "failed",
	[PHASE_DEAD] = "dead",
};

static const char *const kinds[] = {
	[SFSHM_KIND_VALUE] = "value", [SFSHM_KIND_CLAIM] = "claim",
	[SFSHM_KIND_LOCK] = "lock",   [SFSHM_KIND_SEMAPHORE] = "semaphore",
	[SFSHM_KIND_SAVE] = "save",
};

static const char *const stages[] = {
	[SFSHM_SAVE_RESERVED] = "reserved",
	[SFSHM_SAVE_ACQUIRED] = "acquired",
	[SFSHM_SAVE_WRITING] = "writing",
	[SFSHM_SAVE_LINKING] = "linking",
	[SFSHM_SAVE_LINKED] = "linked",
	[SFSHM_SAVE_ANNOUNCED] = "announced",
};

#define COUNT(names) (sizeof(names) / sizeof((names)[0]))

static int parse(const char *const *names, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (names[i] && strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

int phase_view_slot(struct sfshm_view *view, uint32_t index,
		    struct sfshm_slot_info *slot)
{
	int r = sfshm_view_slot(view, index, slot);

	if (r)
		return r;
	if (slot->kind == SFSHM_KIND_LOCK && slot->permits) {
		slot->phase = SFSHM_PHASE_BUSY;
		slot->owner = 0;
		slot->age_ms = -1;
		slot->rank = 0;
	}
	if (slot->kind != SFSHM_KIND_SEMAPHORE ||
	    slot->phase != SFSHM_PHASE_DONE)
		return 0;
	slot->phase = slot->permits ? SFSHM_PHASE_BUSY : SFSHM_PHASE_IDLE;
	slot->has_value = 0;
	slot->age_ms = -1;
	slot->ttl_ms = 0;
	slot->stale_ms = 0;
	return 0;
}

int phase_of_slot(const struct sfshm_slot_info *slot)
{
	int ownerless = slot->owner && !slot->owner_alive;

	if (slot->phase == SFSHM_PHASE_BUSY && ownerless)
		return PHASE_DEAD;
	if (slot->phase == SFSHM_PHASE_IDLE && slot->owner_died)
		return PHASE_DEAD;
	return (int)slot->phase;
}

int phase_is_shared(const struct sfshm_slot_info *slot)
{
	return slot->kind == SFSHM_KIND_SEMAPHORE ||
	       (slot->kind == SFSHM_KIND_LOCK && slot->permits);
}

int phase_is_key(const struct sfshm_slot_info *slot)
{
	return slot->key_len && phase_name((int)slot->phase);
}

const char *phase_name(int phase)
{
	return (size_t)phase < COUNT(phases) ? phases[phase] : NULL;
}

int phase_parse(const char *name)
{
	return parse(phases, COUNT(phases), name);
}

const char *kind_name(enum sfshm_kind kind)
{
	return (size_t)kind < COUNT(kinds) ? kinds[kind] : NULL;
}

int kind_parse(const char *name)
{
	return parse(kinds, COUNT(kinds), name);
}

const char *stage_name(uint32_t stage)
{
	return stage < COUNT(stages) ? stages[stage] : NULL;
}
