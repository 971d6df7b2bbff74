/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/args.h"
#include "common/fault.h"
#include "json.h"
#include "look/events.h"
#include "look/phase.h"
#include "look/text.h"
#include "options.h"

#define NS_PER_S 1000000000ull
#define FOLLOW_NS 200000000

static json_t *seconds_of(uint64_t when, int64_t offset)
{
	return json_real((double)((int64_t)when + offset) / (double)NS_PER_S);
}

static json_t *event_object(const struct event *event, int64_t offset)
{
	const struct sfshm_event_info *info = &event->info;
	json_t *object = json_object();

	json_object_set_new(object, "when", seconds_of(info->when_ns, offset));
	json_object_set_new(object, "event", json_string(event->name));
	json_object_set_new(object, "pid", json_integer(info->pid));
	json_set_number(object, "participant", info->participant);
	json_set_number(object, "number", info->number);
	json_object_set_new(object, "key", json_null());
	json_object_set_new(object, "kind", json_null());
	if (info->key_len) {
		json_set_bytes(object, "key", event->key, info->key_len);
		json_object_set_new(object, "kind",
				    json_string(kind_name(info->kind)));
	}
	json_set_signed(object, "slot",
			info->slot == UINT32_MAX ? -1 : (int64_t)info->slot);
	json_set_number(object, "hash", info->hash);
	json_set_number(object, "generation", info->generation);
	json_set_number(object, "took_us", info->took_ns / 1000);
	json_set_bool(object, "awaited", info->awaited != 0);
	json_set_signed(object, "other_pid",
			info->other_pid ? info->other_pid : -1);
	json_set_number(object, "keys", info->keys);
	return object;
}

/* A line that says since when the events are complete. */
static void head_put(const struct events *events, const struct options *options,
		     int64_t offset)
{
	static struct cell line;
	static const char *const names[] = { "flights_complete_since",
					     "others_complete_since" };

	if (options->json) {
		json_t *object = json_object();

		json_set_number(object, "schema", JSON_SCHEMA);
		for (int i = 0; i < 2; i++)
			json_object_set_new(
				object, names[i],
				events->complete_since[i] ?
					seconds_of(events->complete_since[i],
						   offset) :
					json_null());
		json_put(object);
		putchar('\n');
		return;
	}
	for (int i = 0; i < 2 && !options->noheadings; i++) {
		events_head(&line, events, i, offset);
		printf("# %s\n", line.text);
	}
}

static void list_put(const struct events *events, const struct options *options)
{
	static struct cell line;
	int64_t offset = events_offset();

	for (size_t i = 0; i < events->count; i++) {
		if (options->json) {
			json_put(event_object(&events->list[i], offset));
			putchar('\n');
		} else {
			event_line(&line, &events->list[i], offset);
			puts(line.text);
		}
	}
}

/*
 * An event of Chrome's trace format: a bar for a flight or a wait, in its
 * thread's row; else a mark. Times are microseconds of CLOCK_MONOTONIC.
 */
static json_t *trace_object(const struct event *event)
{
	static struct cell key;
	const struct sfshm_event_info *info = &event->info;
	uint64_t took = info->rare ? 0 : info->took_ns;
	json_t *object = json_object(), *args = json_object();
	char name[TEXT_BYTES_MAX];

	event_key(&key, event);
	snprintf(name, sizeof(name), "%s %.1000s", event->name, key.text);
	json_set_bytes(object, "name", name, strlen(name));
	json_object_set_new(object, "cat", json_string(event->name));
	json_object_set_new(object, "ph", json_string(info->rare ? "i" : "X"));
	json_object_set_new(object, "ts",
			    json_real((double)(info->when_ns - took) / 1000));
	if (info->rare)
		json_object_set_new(object, "s", json_string("p"));
	else
		json_set_number(object, "dur", took / 1000);
	json_object_set_new(object, "pid", json_integer(info->pid));
	json_set_number(object, "tid", info->participant);
	json_set_number(args, "generation", info->generation);
	json_set_bool(args, "awaited", info->awaited != 0);
	json_set_signed(args, "other_pid",
			info->other_pid ? info->other_pid : -1);
	json_set_number(args, "keys", info->keys);
	json_object_set_new(object, "args", args);
	return object;
}

static void trace_put(const struct events *events)
{
	fputs("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [", stdout);
	for (size_t i = 0; i < events->count; i++) {
		printf("%s\n ", i ? "," : "");
		json_put(trace_object(&events->list[i]));
	}
	puts("]}");
}

static int read_once(struct events *events, const struct options *options,
		     char *why, size_t size)
{
	struct sfshm_view *view;
	int r = sfshm_view_open(&view, options->segment, why, size);

	if (r)
		return r;
	r = events_read(events, view, options->filter.key_pattern);
	sfshm_view_close(view);
	return r;
}

static int follow(struct events *events, const struct options *options)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_NS };
	char why[256];

	for (;;) {
		if (args_flush())
			return ARGS_EXIT_FAILURE;
		nanosleep(&pause, NULL);
		*why = '\0';
		/* A resize may be about to give the name to another file. */
		if (!read_once(events, options, why, sizeof(why)))
			list_put(events, options);
	}
}

int events_show(const struct options *options)
{
	struct events events = { 0 };
	char why[256] = "";
	int r;

	fault_guard(options->segment);
	r = read_once(&events, options, why, sizeof(why));
	if (r) {
		events_free(&events);
		return args_segment_failed(options->segment, r, why);
	}
	if (options->tracing) {
		trace_put(&events);
	} else {
		head_put(&events, options, events_offset());
		list_put(&events, options);
	}
	if (options->following)
		return follow(&events, options);
	events_free(&events);
	return args_flush();
}
