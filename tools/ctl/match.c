/* SPDX-License-Identifier: MIT */
#include "match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/args.h"
#include "look/filter.h"
#include "look/phase.h"

static int add(struct matches *matches, const struct sfshm_slot_info *slot)
{
	size_t room = matches->room ? 2 * matches->room : 64;
	struct match *match;

	if (matches->count == matches->room) {
		match = reallocarray(matches->match, room, sizeof(*match));
		if (!match)
			return -ENOMEM;
		matches->match = match;
		matches->room = room;
	}
	match = &matches->match[matches->count];
	match->key = malloc(slot->key_len);
	if (!match->key)
		return -ENOMEM;
	memcpy(match->key, slot->key, slot->key_len);
	match->key_len = slot->key_len;
	match->ttl_ms = slot->ttl_ms;
	match->stale_ms = slot->stale_ms;
	matches->count++;
	return 0;
}

static int walk(const struct request *request, struct sfshm_view *view,
		int held, struct matches *matches)
{
	struct filter filter = { .key_pattern = request->pattern,
				 .kinds = 1u << SFSHM_KIND_VALUE };
	struct sfshm_segment_info segment = { .size = sizeof(segment) };
	struct sfshm_slot_info slot = { .size = sizeof(slot) };
	int r = sfshm_view_segment(view, &segment);

	if (request->given & REQUEST_FAILED)
		filter.phases = 1u << SFSHM_PHASE_FAILED;
	for (uint32_t i = 0; i < segment.slots_used && !r; i++) {
		r = phase_view_slot(view, i, &slot);
		if (r == -EBADMSG) {
			r = 0;
			continue;
		}
		if (r || !phase_is_key(&slot) ||
		    !filter_wants(&filter, view, &slot))
			continue;
		if (!held || (slot.has_value && slot.ttl_ms))
			r = add(matches, &slot);
	}
	return r;
}

int matches_read(const struct request *request, int held,
		 struct matches *matches)
{
	struct sfshm_view *view;
	char why[256] = "";
	int r;

	memset(matches, 0, sizeof(*matches));
	r = sfshm_view_open(&view, request->segment, why, sizeof(why));
	if (r)
		return args_segment_failed(request->segment, r, why);
	r = walk(request, view, held, matches);
	sfshm_view_close(view);
	return r ? args_segment_failed(request->segment, r, NULL) : 0;
}

void matches_free(struct matches *matches)
{
	for (size_t i = 0; i < matches->count; i++)
		free(matches->match[i].key);
	free(matches->match);
}
