/* SPDX-License-Identifier: MIT */
#include "list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/fault.h"
#include "common/segment-list.h"
#include "common/size.h"
#include "json.h"
#include "look/phase.h"
#include "look/text.h"

#define NAME_COLUMNS 32

/* The line about one segment. */
struct summary {
	const struct segment_entry *entry;
	int error;
	char why[256];    /* why the segment cannot be used */
	uint32_t alive;   /* participants */
	uint32_t keys;    /* slots that hold a key */
	uint32_t damaged; /* damaged slots */
	struct sfshm_segment_info segment;
};

static int alive_count(struct sfshm_view *view, struct summary *summary)
{
	struct sfshm_participant_info info = { .size = sizeof(info) };
	uint32_t i;

	for (i = 0; i < summary->segment.participants_used; i++) {
		int r = sfshm_view_participant(view, i, &info);

		if (r)
			return r;
		summary->alive += info.attached && info.alive;
	}
	return 0;
}

static int keys_count(struct sfshm_view *view, struct summary *summary)
{
	struct sfshm_slot_info info = { .size = sizeof(info) };
	uint32_t i;

	for (i = 0; i < summary->segment.slots_used; i++) {
		int r = sfshm_view_slot(view, i, &info);

		if (r == -EBADMSG)
			summary->damaged++;
		else if (r)
			return r;
		else
			summary->keys += phase_is_key(&info) != 0;
	}
	return 0;
}

static int summary_read(struct summary *summary,
			const struct segment_entry *entry)
{
	struct sfshm_view *view;
	int r;

	memset(summary, 0, sizeof(*summary));
	summary->segment.size = sizeof(summary->segment);
	summary->entry = entry;
	fault_guard(entry->name);
	r = sfshm_view_open(&view, entry->path, summary->why,
			    sizeof(summary->why));
	if (r)
		return r;
	r = sfshm_view_segment(view, &summary->segment);
	if (!r)
		r = alive_count(view, summary);
	if (!r)
		r = keys_count(view, summary);
	if (!r && summary->damaged) {
		snprintf(summary->why, sizeof(summary->why),
			 "%" PRIu32 " damaged slot%s", summary->damaged,
			 summary->damaged == 1 ? "" : "s");
		r = -EBADMSG;
	}
	sfshm_view_close(view);
	return r;
}

static void table_row(const struct summary *summary)
{
	const struct sfshm_segment_info *info = &summary->segment;
	char size[SIZE_TEXT], memory[SIZE_TEXT];
	char slots[TEXT_SIZE], participants[TEXT_SIZE];

	static struct cell name;

	cell_clear(&name);
	cell_bytes(&name, summary->entry->name, strlen(summary->entry->name),
		   0);
	printf("%s%*s", name.text,
	       (int)(name.width < NAME_COLUMNS ? NAME_COLUMNS - name.width : 0),
	       "");
	if (summary->error) {
		printf(" not usable: %s\n", summary->why);
		return;
	}
	snprintf(slots, sizeof(slots), "%" PRIu32 "/%" PRIu32, summary->keys,
		 info->slots);
	snprintf(participants, sizeof(participants), "%" PRIu32 "/%" PRIu32,
		 summary->alive, info->participants);
	printf(" %8s %8s %17s %12s%s\n", size_text(size, info->file_bytes),
	       size_text(memory, info->memory_bytes), slots, participants,
	       summary->entry->resizing ? "  resizing" : "");
}

static void json_row(const struct summary *summary)
{
	const struct sfshm_segment_info *info = &summary->segment;
	const struct segment_entry *entry = summary->entry;
	json_t *object = json_object();

	json_set_bytes(object, "name", entry->name, strlen(entry->name));
	json_set_bytes(object, "path", entry->path, strlen(entry->path));
	json_set_number(object, "uid", entry->owner);
	json_set_number(object, "file_bytes", (uint64_t)entry->size);
	json_object_set_new(object, "resizing", json_boolean(entry->resizing));
	if (summary->error) {
		json_set_bytes(object, "why", summary->why,
			       strlen(summary->why));
		json_put(object);
		return;
	}
	json_object_set_new(object, "why", json_null());
	json_set_number(object, "memory_bytes", info->memory_bytes);
	json_set_number(object, "slots_max", info->slots);
	json_set_number(object, "slots_used", summary->keys);
	json_set_number(object, "participants_max", info->participants);
	json_set_number(object, "participants_alive", summary->alive);
	json_put(object);
}

/* Writes the lines. Returns how many segments cannot be used. */
static size_t list_walk(const struct segment_list *list,
			const struct options *options)
{
	const char *record_break = options->watch_ns ? "" : "\n  ";
	struct summary summary;
	size_t i, bad = 0, shown = 0;

	for (i = 0; i < list->count; i++) {
		int r = summary_read(&summary, &list->entries[i]);

		/* The file was removed since the directory was read. */
		if (r == -ENOENT)
			continue;
		summary.error = r;
		if (r && !summary.why[0])
			snprintf(summary.why, sizeof(summary.why), "%s",
				 sfshm_strerror(r));
		bad += r != 0;
		if (options->json) {
			printf("%s%s", shown ? "," : "", record_break);
			json_row(&summary);
		} else {
			table_row(&summary);
		}
		shown++;
	}
	if (!shown && !options->json)
		puts("no segments; sfshm-ctl create makes one");
	return bad;
}

int list_show(const struct options *options)
{
	struct segment_list list;
	struct timespec now;
	size_t bad;
	int r = segment_list_read(&list);

	if (r) {
		complain("cannot list the segments: %s", strerror(-r));
		segment_list_free(&list);
		return ARGS_EXIT_FAILURE;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (options->json) {
		json_begin(&now);
		fputs(", \"segments\": [", stdout);
	} else if (list.count && !options->noheadings) {
		printf("%-*s %8s %8s %17s %12s\n", NAME_COLUMNS, "SEGMENT",
		       "SIZE", "MEMORY", "SLOTS", "PARTICIPANTS");
	}
	bad = list_walk(&list, options);
	if (options->json)
		puts("]}");
	segment_list_free(&list);
	if (args_flush())
		return ARGS_EXIT_FAILURE;
	if (bad) {
		complain(
			"%zu of the segments cannot be used: their lines say why; "
			"sfshm-ctl unlink removes a segment",
			bad);
		return ARGS_EXIT_FAILURE;
	}
	return 0;
}
