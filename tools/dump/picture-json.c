/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sfshm/semaphore.h>

#include "json.h"
#include "look/notes.h"
#include "look/phase.h"
#include "picture.h"

/* Between parts and records: a line each, or a blank in a line of pictures. */
static const char *part_break, *record_break;

static int has_records; /* the array has a record already */

static void part_begin(const char *name)
{
	printf(",%s\"%s\": ", part_break, name);
}

static void array_begin(const char *name)
{
	part_begin(name);
	putchar('[');
	has_records = 0;
}

static void array_put(json_t *record)
{
	printf("%s%s", has_records ? "," : "", record_break);
	json_put(record);
	has_records = 1;
}

static void json_set_text(json_t *object, const char *name, const char *text,
			  size_t size)
{
	json_set_bytes(object, name, text, strnlen(text, size));
}

static json_t *segment_object(const struct picture *picture)
{
	const struct sfshm_segment_info *info = &picture->survey->segment;
	json_t *object = json_object();
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", (unsigned int)info->mode & 07777);
	json_set_text(object, "name", picture->options->segment, 256);
	json_set_text(object, "path", info->path, sizeof(info->path));
	json_set_number(object, "layout_version", info->layout_version);
	json_set_text(object, "mode", mode, sizeof(mode));
	json_set_number(object, "uid", info->owner);
	json_set_number(object, "gid", info->group);
	json_set_number(object, "created", info->created_s);
	json_set_number(object, "file_bytes", info->file_bytes);
	json_set_number(object, "memory_bytes", info->memory_bytes);
	json_set_number(object, "slots_max", info->slots);
	json_set_number(object, "slots_reserved", info->slots_used);
	json_set_number(object, "participants_max", info->participants);
	json_set_number(object, "participants_reserved",
			info->participants_used);
	json_set_number(object, "bytes", info->bytes);
	json_set_number(object, "bytes_used", info->bytes_used);
	json_set_number(object, "max_value", info->max_value);
	json_set_number(object, "epoch", info->epoch);
	json_object_set_new(object, "waiting",
			    json_string(info->waitv ? "futex_waitv" :
						      "fallback"));
	json_set_number(object, "fleet_token", info->fleet_token);
	json_set_number(object, "fleet_away", info->fleet_away);
	json_set_number(object, "fleet_retry_ms", info->fleet_retry_ms);
	return object;
}

static json_t *summary_object(const struct survey *survey)
{
	json_t *object = json_object();

	json_set_number(object, "keys", survey->keys);
	json_set_number(object, "keys_chosen", survey->chosen.keys);
	json_set_number(object, "keys_busy", survey->busy);
	json_set_number(object, "keys_awaited", survey->awaited);
	json_set_number(object, "keys_failed", survey->failed);
	json_set_number(object, "keys_dead", survey->dead_keys);
	json_set_number(object, "slots_damaged", survey->damaged);
	json_set_number(object, "threads_alive", survey->alive);
	json_set_number(object, "threads_dead", survey->dead);
	json_set_number(object, "threads_waiting", survey->waiting);
	json_set_number(object, "calls", survey_counter(survey, "gets"));
	json_set_number(object, "calls_saved", survey_saved_calls(survey));
	json_set_number(object, "work_saved_ms", survey_saved_ms(survey));
	return object;
}

static void picture_json_begin(const struct picture *picture)
{
	int one_line = picture->options->watch_ns != 0;

	part_break = one_line ? " " : "\n ";
	record_break = one_line ? "" : "\n  ";
	json_begin(&picture->taken_at);
	part_begin("segment");
	json_put(segment_object(picture));
	part_begin("summary");
	json_put(summary_object(picture->survey));
	array_begin("participants");
}

static void picture_json_participant(const struct picture *picture,
				     const struct sfshm_participant_info *info)
{
	json_t *object = json_object();

	(void)picture;
	json_set_number(object, "index", info->index);
	json_object_set_new(object, "pid", json_integer(info->pid));
	json_object_set_new(object, "tid", json_integer(info->tid));
	json_set_bool(object, "alive", info->alive != 0);
	json_set_text(object, "thread", info->name, sizeof(info->name));
	json_set_number(object, "incarnation", info->incarnation);
	json_set_number(object, "pid_ns", info->pid_ns);
	json_set_number(object, "flights", info->flights);
	json_object_set_new(object, "reading",
			    json_string(info->expelled ? "expelled" :
					info->reading  ? "yes" :
							 "no"));
	json_set_signed(object, "waits_for", info->waits_for);
	json_set_signed(object, "waits_for_participant",
			info->waits_for_participant);
	array_put(object);
}

static void picture_json_participants_end(const struct picture *picture)
{
	(void)picture;
	putchar(']');
	array_begin("slots");
}

static json_t *owner_object(const struct sfshm_slot_info *info)
{
	json_t *object;

	if (!info->owner)
		return json_null();
	object = json_object();
	json_object_set_new(object, "pid", json_integer(info->owner_pid));
	json_object_set_new(object, "tid", json_integer(info->owner_tid));
	json_set_bool(object, "alive", info->owner_alive != 0);
	return object;
}

static json_t *error_object(const struct sfshm_slot_info *info)
{
	json_t *object;

	if (!info->error_code)
		return json_null();
	object = json_object();
	json_object_set_new(object, "code", json_integer(info->error_code));
	json_set_text(object, "message", info->error, sizeof(info->error));
	return object;
}

/* The participants that hold permits, or that share the lock. */
static json_t *holders_array(const struct picture *picture,
			     const struct sfshm_slot_info *info)
{
	static uint32_t holders[SFSHM_PERMITS_MAX];
	json_t *list = json_array();
	int n = sfshm_view_permits(picture->view, info->index, holders,
				   SFSHM_PERMITS_MAX);

	for (int i = 0; i < n && i < SFSHM_PERMITS_MAX; i++)
		json_array_append_new(list, json_integer(holders[i]));
	return list;
}

static json_t *semaphore_object(const struct picture *picture,
				const struct sfshm_slot_info *info)
{
	json_t *object;

	if (info->kind != SFSHM_KIND_SEMAPHORE)
		return json_null();
	object = json_object();
	json_set_number(object, "max", info->permits_max);
	json_set_number(object, "in_use", info->permits);
	json_object_set_new(object, "holders", holders_array(picture, info));
	return object;
}

static json_t *save_object(const struct sfshm_slot_info *info)
{
	const char *stage = stage_name(info->stage);
	json_t *object;

	if (info->kind != SFSHM_KIND_SAVE || !stage)
		return json_null();
	object = json_object();
	json_object_set_new(object, "stage", json_string(stage));
	json_set_text(object, "file", info->file, sizeof(info->file));
	json_set_number(object, "bytes", info->file_bytes);
	return object;
}

/* Sets the time limits, what the next leader or holder learns, and the rank. */
static void set_limits(json_t *object, const struct sfshm_slot_info *info)
{
	json_object_set_new(object, "stale_ms", json_integer(info->stale_ms));
	json_set_signed(object, "lease_ms", info->lease_ms);
	json_set_signed(object, "idle_ms", info->idle_ms);
	json_set_bool(object, "abandoned", notes_is_abandoned(info));
	json_set_signed(object, "death_ms", info->death_ms);
	json_set_bool(object, "predecessor_died", info->owner_died != 0);
	json_set_signed(object, "rank", info->rank ? (int64_t)info->rank : -1);
}

static void picture_json_slot(const struct picture *picture,
			      const struct sfshm_slot_info *info)
{
	json_t *object = json_object();

	json_set_bytes(object, "key", info->key, info->key_len);
	json_object_set_new(object, "kind", json_string(kind_name(info->kind)));
	json_object_set_new(object, "phase",
			    json_string(phase_name((int)info->phase)));
	json_set_number(object, "generation", info->generation);
	json_object_set_new(object, "owner", owner_object(info));
	json_set_number(object, "waiters", info->waiters);
	json_set_signed(object, "age_ms", info->age_ms);
	/* -1 means "for ever" here, so it must not become null. */
	json_object_set_new(object, "ttl_ms", json_integer(info->ttl_ms));
	json_set_signed(object, "value_bytes",
			info->has_value ? (int64_t)info->value_bytes : -1);
	json_set_signed(object, "took_us", info->took_us);
	json_set_number(object, "deaths", info->deaths);
	json_object_set_new(object, "error", error_object(info));
	set_limits(object, info);
	json_object_set_new(object, "semaphore",
			    semaphore_object(picture, info));
	json_object_set_new(object, "sharers",
			    info->kind == SFSHM_KIND_LOCK ?
				    holders_array(picture, info) :
				    json_null());
	json_object_set_new(object, "save", save_object(info));
	json_set_number(object, "index", info->index);
	json_set_bool(object, "torn", info->torn != 0);
	json_set_bool(object, "damaged", 0);
	array_put(object);
}

static void picture_json_slot_damaged(const struct picture *picture,
				      uint32_t index)
{
	static const char *const unknown[] = {
		"key",       "phase",       "generation",
		"owner",     "waiters",     "age_ms",
		"ttl_ms",    "value_bytes", "deaths",
		"error",     "kind",        "stale_ms",
		"lease_ms",  "death_ms",    "predecessor_died",
		"rank",      "semaphore",   "save",
		"took_us",   "sharers",     "idle_ms",
		"abandoned",
	};
	json_t *object = json_object();
	size_t i;

	(void)picture;
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		json_object_set_new(object, unknown[i], json_null());
	json_set_number(object, "index", index);
	json_set_bool(object, "torn", 0);
	json_set_bool(object, "damaged", 1);
	array_put(object);
}

static void picture_json_slots_end(const struct picture *picture)
{
	(void)picture;
	putchar(']');
}

static json_t *times_object(const struct sfshm_histogram_info *info)
{
	json_t *object = json_object(), *buckets = json_array();

	json_set_number(object, "count", info->count);
	json_set_number(object, "sum_ns", info->sum_ns);
	json_set_number(object, "least_ns", info->least_ns);
	for (uint32_t i = 0; i < SFSHM_HISTOGRAM_BUCKETS; i++)
		json_array_append_new(
			buckets, json_integer((json_int_t)info->bucket[i]));
	json_object_set_new(object, "buckets", buckets);
	return object;
}

static void picture_json_times(const struct survey *survey)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < survey->times_count; i++)
		json_object_set_new(object, survey->times[i].name,
				    times_object(&survey->times[i].info));
	part_begin("histograms");
	json_put(object);
}

static void picture_json_end(const struct picture *picture)
{
	const struct survey_counter *counter = picture->survey->counters;
	json_t *object = json_object();

	for (uint32_t i = 0; i < picture->survey->counters_count; i++)
		json_set_number(object, counter[i].name, counter[i].value);
	part_begin("counters");
	json_put(object);
	picture_json_times(picture->survey);
	puts("}");
}

const struct picture_format picture_json = {
	.begin = picture_json_begin,
	.participant = picture_json_participant,
	.participants_end = picture_json_participants_end,
	.slot = picture_json_slot,
	.slot_damaged = picture_json_slot_damaged,
	.slots_end = picture_json_slots_end,
	.end = picture_json_end,
};
