/* SPDX-License-Identifier: MIT */
#include "look/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "look/filter.h"

#define NS_PER_S 1000000000ll

static int matches(struct sfshm_view *view, const char *pattern,
		   const struct sfshm_event_info *info)
{
	static struct sfshm_slot_info slot;
	struct filter filter = { .key_pattern = pattern };

	if (!pattern)
		return 1;
	slot.key_len = info->key_len;
	memcpy(slot.key, info->key, info->key_len);
	return info->key_len && filter_wants(&filter, view, &slot);
}

static int keep(struct events *events, const char *name,
		const struct sfshm_event_info *info)
{
	struct event *event;

	if (events->count == events->room) {
		size_t room = events->room ? 2 * events->room : 256;
		struct event *list =
			realloc(events->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		events->list = list;
		events->room = room;
	}
	event = &events->list[events->count];
	event->name = name;
	event->info = *info;
	event->key = malloc(info->key_len + 1);
	if (!event->key)
		return -ENOMEM;
	memcpy(event->key, info->key, info->key_len);
	events->count++;
	return 0;
}

/* Notes how many records there are; forgets those of another segment. */
static int prepare(struct events *events, struct sfshm_view *view)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	uint64_t(*next)[2];
	int r = sfshm_view_segment(view, &info);

	if (r)
		return r;
	if (info.inode != events->inode) {
		events->inode = info.inode;
		events->known = 0;
	}
	next = realloc(events->next,
		       (info.participants_used + 1) * sizeof(*next));
	if (!next)
		return -ENOMEM;
	events->next = next;
	if (events->known < info.participants_used)
		memset(next + events->known, 0,
		       (info.participants_used - events->known) *
			       sizeof(*next));
	events->known = info.participants_used;
	return 0;
}

/* Of one record's two rings: the oldest event, and the next number. */
struct span {
	uint64_t first[2], first_when[2], next[2];
};

static void span_add(struct span *span, const struct sfshm_event_info *info)
{
	int rare = info->rare != 0;

	if (!span->next[rare] || info->number < span->first[rare]) {
		span->first[rare] = info->number;
		span->first_when[rare] = info->when_ns;
	}
	if (info->number >= span->next[rare])
		span->next[rare] = info->number + 1;
}

/* Stores to `end` the next number of each of the record's two rings. */
static void record_end(struct sfshm_view *view, uint32_t index, uint64_t end[2])
{
	struct sfshm_event_info info = { .size = sizeof(info) };
	const char *name, *help;

	end[0] = end[1] = 0;
	for (uint32_t place = 0; place < SFSHM_EVENTS; place++) {
		if (sfshm_view_event(view, index, place, &name, &help, &info))
			continue;
		if (info.number >= end[info.rare != 0])
			end[info.rare != 0] = info.number + 1;
	}
}

/*
 * Leaves out events that the thread notes during this call: of two such events,
 * the call might meet the later one and miss the earlier one.
 */
static int record_read(struct events *events, struct sfshm_view *view,
		       const char *pattern, uint32_t index)
{
	struct sfshm_event_info info = { .size = sizeof(info) };
	struct span span = { 0 };
	const char *name, *help;
	uint64_t end[2];
	int r = 0;

	record_end(view, index, end);
	for (uint32_t place = 0; !r && place < SFSHM_EVENTS; place++) {
		r = sfshm_view_event(view, index, place, &name, &help, &info);
		if (r == -ENODATA ||
		    (!r && info.number >= end[info.rare != 0])) {
			r = 0;
			continue;
		}
		if (r)
			break;
		span_add(&span, &info);
		if (info.number >= events->next[index][info.rare != 0] &&
		    matches(view, pattern, &info))
			r = keep(events, name, &info);
	}
	for (int rare = 0; rare < 2; rare++) {
		if (span.next[rare] > events->next[index][rare])
			events->next[index][rare] = span.next[rare];
		if (span.first[rare] &&
		    span.first_when[rare] > events->complete_since[rare])
			events->complete_since[rare] = span.first_when[rare];
	}
	return r;
}

static int by_time(const void *left, const void *right)
{
	const struct sfshm_event_info *a = &((const struct event *)left)->info;
	const struct sfshm_event_info *b = &((const struct event *)right)->info;

	if (a->when_ns != b->when_ns)
		return a->when_ns < b->when_ns ? -1 : 1;
	if (a->participant != b->participant)
		return a->participant < b->participant ? -1 : 1;
	if (a->rare != b->rare)
		return a->rare < b->rare ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void forget(struct events *events)
{
	for (size_t i = 0; i < events->count; i++)
		free(events->list[i].key);
	events->count = 0;
}

int events_read(struct events *events, struct sfshm_view *view,
		const char *pattern)
{
	int r = prepare(events, view);

	forget(events);
	memset(events->complete_since, 0, sizeof(events->complete_since));
	for (uint32_t i = 0; !r && i < events->known; i++)
		r = record_read(events, view, pattern, i);
	if (events->count)
		qsort(events->list, events->count, sizeof(*events->list),
		      by_time);
	return r;
}

void events_free(struct events *events)
{
	forget(events);
	free(events->list);
	free(events->next);
	memset(events, 0, sizeof(*events));
}

int64_t events_offset(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (real.tv_sec - mono.tv_sec) * NS_PER_S +
	       (real.tv_nsec - mono.tv_nsec);
}

const char *events_time(char out[TEXT_SIZE], uint64_t when, int64_t offset)
{
	int64_t ns = (int64_t)(when + (uint64_t)offset);
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm parts = { 0 };
	size_t len;

	localtime_r(&seconds, &parts);
	/* A damaged event may have any time. */
	len = strftime(out, TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &parts);
	snprintf(out + len, TEXT_SIZE - len, ".%03d",
		 (int)(ns % NS_PER_S / 1000000));
	return out;
}

void event_key(struct cell *cell, const struct event *event)
{
	const struct sfshm_event_info *info = &event->info;

	cell_clear(cell);
	if (info->key_len)
		cell_bytes(cell, event->key, info->key_len, 0);
	else if (info->slot == UINT32_MAX)
		cell_print(cell, "-");
	else
		cell_print(cell, "#%08" PRIx32, info->hash);
}

void event_line(struct cell *cell, const struct event *event, int64_t offset)
{
	static struct cell key;
	const struct sfshm_event_info *info = &event->info;
	char when[TEXT_SIZE], took[TEXT_SIZE];

	event_key(&key, event);
	cell_clear(cell);
	cell_print(cell, "%s %7" PRId32 " %-11s ",
		   events_time(when, info->when_ns, offset), info->pid,
		   event->name);
	if (info->key_len)
		cell_bytes(cell, event->key, info->key_len, 0);
	else
		cell_print(cell, "%s", key.text);
	if (info->took_ns)
		cell_print(cell, "  took %s",
			   text_span(took, (int64_t)(info->took_ns / 1000000)));
	if (info->generation)
		cell_print(cell, "  gen %" PRIu64, info->generation);
	if (info->awaited)
		cell_print(cell, "  awaited");
	if (info->other_pid)
		cell_print(cell, "  process %" PRId32, info->other_pid);
	if (info->keys)
		cell_print(cell, "  %" PRIu32 " keys", info->keys);
}

void events_head(struct cell *cell, const struct events *events, int rare,
		 int64_t offset)
{
	uint64_t since = events->complete_since[rare];
	char when[TEXT_SIZE];

	cell_clear(cell);
	cell_print(cell, "%s: %s%s",
		   rare ? "other events" : "flights and waits",
		   since ? "complete since " : "all that there were",
		   since ? events_time(when, since, offset) : "");
}
