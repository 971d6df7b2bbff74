/* SPDX-License-Identifier: MIT */
#include "watch.h"

static struct sfshm_view *view;
static char viewed[sizeof(segment)];

static struct sfshm_view *look_in(void)
{
	char why[256] = "";

	if (view && strcmp(viewed, segment) != 0)
		watch_end();
	if (!view && sfshm_view_open(&view, segment, why, sizeof(why)))
		fail_msg("no view of %s: %s", segment, why);
	memcpy(viewed, segment, sizeof(viewed));
	return view;
}

const char *watch_path(void)
{
	static char path[256];

	assert_int_equal(sfshm_path(segment, path, sizeof(path)), 0);
	return path;
}

void watch_end(void)
{
	sfshm_view_close(view);
	view = NULL;
}

static struct sfshm_segment_info segment_info(struct sfshm_view *v)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };

	assert_int_equal(sfshm_view_segment(v, &info), 0);
	return info;
}

bool watch_key(const char *key, struct sfshm_slot_info *info)
{
	struct sfshm_view *v = look_in();
	uint32_t used = segment_info(v).slots_used;
	size_t len = strlen(key);

	for (uint32_t i = 0; i < used; i++) {
		info->size = sizeof(*info);
		if (sfshm_view_slot(v, i, info) || info->torn)
			continue;
		if (info->phase != SFSHM_PHASE_FREE &&
		    info->phase != SFSHM_PHASE_RETIRED &&
		    info->key_len == len && !memcmp(info->key, key, len))
			return true;
	}
	return false;
}

enum sfshm_phase watch_phase(const char *key)
{
	struct sfshm_slot_info info;

	return watch_key(key, &info) ? info.phase : SFSHM_PHASE_FREE;
}

uint32_t watch_waiters(const char *key)
{
	struct sfshm_slot_info info;

	return watch_key(key, &info) ? info.waiters : 0;
}

uint64_t watch_counter(const char *name)
{
	const char *found, *help;
	uint64_t value;

	for (uint32_t i = 0;
	     !sfshm_view_counter(look_in(), i, &found, &help, &value); i++)
		if (!strcmp(found, name))
			return value;
	fail_msg("there is no counter %s", name);
	return 0;
}

void watch_participants(uint32_t *attached, uint32_t *alive)
{
	struct sfshm_view *v = look_in();
	uint32_t used = segment_info(v).participants_used;

	*attached = *alive = 0;
	for (uint32_t i = 0; i < used; i++) {
		struct sfshm_participant_info info = { .size = sizeof(info) };

		assert_int_equal(sfshm_view_participant(v, i, &info), 0);
		*attached += info.attached;
		*alive += info.alive;
	}
}

void await_waiters(const char *key, uint32_t n)
{
	if (!eventually(watch_waiters(key) == n))
		fail_msg("%u wait for %s, not %u", watch_waiters(key), key, n);
}

/*
 * A flight that is under way has begun at some time. Until its leader has noted
 * that, its slot may still be in the making, and another caller's flight may
 * come before it.
 */
static bool is_in(const char *key, enum sfshm_phase phase)
{
	struct sfshm_slot_info info;

	if (!watch_key(key, &info))
		return phase == SFSHM_PHASE_FREE;
	return info.phase == phase &&
	       (phase != SFSHM_PHASE_BUSY || info.age_ms >= 0);
}

void await_phase(const char *key, enum sfshm_phase phase)
{
	if (!eventually(is_in(key, phase)))
		fail_msg("%s is in phase %d, not %d", key, watch_phase(key),
			 phase);
}
