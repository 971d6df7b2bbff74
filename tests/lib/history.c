/* SPDX-License-Identifier: MIT */
#include "history.h"

static bool is_about(const struct sfshm_event_info *info, const char *key)
{
	return !key || (info->key_len == strlen(key) &&
			!memcmp(info->key, key, info->key_len));
}

/* Counts those events; keeps the latest. */
static int search(const char *name, const char *key,
		  struct sfshm_event_info *latest)
{
	struct sfshm_segment_info all = { .size = sizeof(all) };
	struct sfshm_event_info info = { .size = sizeof(info) };
	const char *found, *help;
	struct sfshm_view *view;
	int n = 0;

	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_segment(view, &all), 0);
	for (uint32_t i = 0; i < all.participants_used * SFSHM_EVENTS; i++) {
		int r = sfshm_view_event(view, i / SFSHM_EVENTS,
					 i % SFSHM_EVENTS, &found, &help,
					 &info);

		if (r) {
			assert_int_equal(r, -ENODATA);
			continue;
		}
		assert_true(strlen(help) > 0);
		if (strcmp(found, name) || !is_about(&info, key))
			continue;
		if (!n++ || info.when_ns >= latest->when_ns)
			*latest = info;
	}
	sfshm_view_close(view);
	return n;
}

bool history_find(const char *name, const char *key,
		  struct sfshm_event_info *info)
{
	return search(name, key, info) > 0;
}

int history_count(const char *name)
{
	struct sfshm_event_info any;

	return search(name, NULL, &any);
}
