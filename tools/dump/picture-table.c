/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sfshm/semaphore.h>

#include "common/args.h"
#include "common/size.h"
#include "phase.h"
#include "picture.h"
#include "screen.h"
#include "text.h"

#define KEY_COLUMNS 32
/* Columns before an error's message, and the message's least width. */
#define SLOT_COLUMNS 126
#define MESSAGE_COLUMNS 20

/* The room for one picture, and how much of it is used. */
static struct {
	uint64_t budget; /* rows that the section may have; UINT64_MAX: any */
	uint64_t rows;   /* rows that the section has asked for */
	unsigned int screen;    /* lines of the screen; 0: no limit */
	unsigned int printed;   /* lines that it has printed so far */
	unsigned int wrapped;   /* lines that the longest row takes */
	size_t message_columns; /* 0: no limit */
} state;

/* Begins a section, which may take 1/share of the screen. */
static void section_begin(unsigned int share)
{
	unsigned int left;

	state.rows = 0;
	state.budget = UINT64_MAX;
	if (!state.screen)
		return;
	/* Six lines: those around the rows, and the cursor's line. */
	left = state.printed + 6;
	left = state.screen > left ? state.screen - left : 0;
	state.budget = left / share / state.wrapped;
	if (state.budget < 1)
		state.budget = 1;
}

static int section_row(void)
{
	if (state.rows++ >= state.budget)
		return 0;
	state.printed += state.wrapped;
	return 1;
}

static void section_end(const char *nothing)
{
	if (!state.rows)
		puts(nothing);
	else if (state.rows > state.budget)
		printf("... and %" PRIu64 " more than the screen holds\n",
		       state.rows - state.budget);
	else
		return;
	state.printed++;
}

static void line(const char *name)
{
	printf("%-13s ", name);
	state.printed++;
}

static void header_file(const struct picture *picture)
{
	const struct sfshm_segment_info *info = &picture->segment;
	char size[SIZE_TEXT], memory[SIZE_TEXT], made[32] = "?";
	time_t at = (time_t)info->created_s;
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(made, sizeof(made), "%Y-%m-%d %H:%M:%S", &tm);
	line("segment");
	text_print(picture->options->segment,
		   strnlen(picture->options->segment, TEXT_BYTES_MAX), 0, 0);
	putchar('\n');
	line("file");
	text_print(info->path, strnlen(info->path, sizeof(info->path)), 0, 0);
	printf(", mode %04" PRIo32 ", owner %" PRIu32 ", group %" PRIu32 "\n",
	       info->mode, info->owner, info->group);
	line("size");
	printf("%s, in memory %s\n", size_text(size, info->file_bytes),
	       size_text(memory, info->memory_bytes));
	line("made");
	printf("%s, layout %" PRIu32 "\n", made, info->layout_version);
}

static void header_geometry(const struct picture *picture)
{
	const struct sfshm_segment_info *info = &picture->segment;
	char all[SIZE_TEXT], used[SIZE_TEXT], max[SIZE_TEXT];

	line("slots");
	printf("%" PRIu32 ", memory reserved for %" PRIu32 "\n", info->slots,
	       info->slots_used);
	line("values");
	printf("%s of %s in use, the largest may have %s\n",
	       size_text(used, info->bytes_used), size_text(all, info->bytes),
	       size_text(max, info->max_value));
	line("participants");
	printf("%" PRIu32 ", memory reserved for %" PRIu32 ", epoch %" PRIu64
	       "\n",
	       info->participants, info->participants_used, info->epoch);
	line("waiting");
	puts(info->waitv ? "futex_waitv" :
			   "fallback: short sleeps (no futex_waitv here)");
}

static void counters(const struct picture *picture)
{
	const struct picture_counter *counter = picture->counters;
	unsigned int i, shown = 0;

	puts("\nCOUNTERS");
	state.printed += 2;
	for (i = 0; i < picture->counters_count; i++, counter++) {
		if (!counter->value)
			continue;
		printf("%-20s %12" PRIu64 "  %s\n", counter->name,
		       counter->value, counter->help);
		state.printed++;
		shown++;
	}
	if (!shown) {
		puts("all 0");
		state.printed++;
	}
}

static void table_begin(const struct picture *picture)
{
	unsigned int columns = screen_columns();

	memset(&state, 0, sizeof(state));
	state.wrapped = 1;
	if (picture->options->watch_ns)
		state.screen = screen_lines();
	if (state.screen && columns) {
		state.message_columns = MESSAGE_COLUMNS;
		if (columns > SLOT_COLUMNS + MESSAGE_COLUMNS)
			state.message_columns = columns - SLOT_COLUMNS;
		state.wrapped =
			(SLOT_COLUMNS + MESSAGE_COLUMNS) / (columns + 1) + 1;
	}
	header_file(picture);
	header_geometry(picture);
	counters(picture);
	printf("\n%-6s %-15s %-15s %5s %7s %-9s %s\n", "INDEX", "PID/TID",
	       "THREAD", "LIFE", "FLIGHTS", "READING", "WAITS FOR");
	section_begin(4);
	state.printed += 2;
}

/* Prints the key of the slot that a participant sleeps on. */
static void awaited_key(const struct picture *picture, int64_t index)
{
	struct sfshm_slot_info slot = { .size = sizeof(slot) };

	if (index < 0)
		putchar('-');
	else if (sfshm_view_slot(picture->view, (uint32_t)index, &slot))
		printf("slot %" PRId64, index);
	else
		text_print(slot.key, slot.key_len, KEY_COLUMNS, 0);
}

/* Prints the owner of the slot that a participant sleeps on. */
static void awaited_owner(const struct picture *picture, int64_t index)
{
	struct sfshm_participant_info who = { .size = sizeof(who) };

	if (index >= 0 &&
	    !sfshm_view_participant(picture->view, (uint32_t)index, &who))
		printf(" (%" PRId32 "/%" PRId32 " has it)", who.pid, who.tid);
}

static const char *reading(const struct sfshm_participant_info *info)
{
	if (info->expelled)
		return "expelled";
	return info->reading ? "yes" : "-";
}

static void table_participant(const struct picture *picture,
			      const struct sfshm_participant_info *info)
{
	char ids[TEXT_SIZE];

	if (!section_row())
		return;
	snprintf(ids, sizeof(ids), "%" PRId32 "/%" PRId32, info->pid,
		 info->tid);
	printf("%-6" PRIu32 " %-15s ", info->index, ids);
	text_print(info->name, strnlen(info->name, sizeof(info->name)), 15, 15);
	printf(" %5s %7" PRIu32 " %-9s ", info->alive ? "alive" : "dead",
	       info->flights, reading(info));
	awaited_key(picture, info->waits_for);
	awaited_owner(picture, info->waits_for_participant);
	putchar('\n');
}

static void table_participants_end(const struct picture *picture)
{
	(void)picture;
	section_end("nobody is attached");
	printf("\n%-*s %-9s %-7s %6s %-21s %5s %8s %8s %7s %6s  %s\n",
	       KEY_COLUMNS, "KEY", "KIND", "PHASE", "GEN", "OWNER", "WAIT",
	       "AGE", "TTL", "SIZE", "DEATHS", "NOTES");
	section_begin(1);
	state.printed += 2;
}

static const char *slot_ttl(char out[TEXT_SIZE],
			    const struct sfshm_slot_info *info)
{
	if (info->ttl_ms < 0)
		return "forever";
	return info->ttl_ms ? text_span(out, info->ttl_ms) : "-";
}

/* Begins another note in the row. */
static void note_begin(int *notes)
{
	fputs((*notes)++ ? ", " : "  ", stdout);
}

static void note_text(int *notes, const char *text)
{
	note_begin(notes);
	fputs(text, stdout);
}

static void note_span(int *notes, const char *text, int64_t ms)
{
	char span[TEXT_SIZE];

	note_begin(notes);
	printf("%s %s", text, text_span(span, ms));
}

static void note_limits(int *notes, const struct sfshm_slot_info *info)
{
	if (info->lease_ms > 0)
		note_span(notes, "may be taken in", info->lease_ms);
	else if (info->lease_ms == 0)
		note_text(notes, "may be taken");
	if (info->stale_ms > 0)
		note_span(notes, "kept stale for", info->stale_ms);
	else if (info->stale_ms < 0)
		note_text(notes, "kept stale for ever");
	if (info->death_ms >= 0)
		note_span(notes, "dead for", info->death_ms);
}

static void note_lock(int *notes, const struct sfshm_slot_info *info)
{
	if (info->rank) {
		note_begin(notes);
		printf("rank %" PRIu32, info->rank);
	}
	if (info->owner_died)
		note_text(notes, "the last holder died");
}

/* Notes a semaphore's permits, or a lock's shared holds, and their holders. */
static void note_permits(int *notes, const struct picture *picture,
			 const struct sfshm_slot_info *info)
{
	static uint32_t holders[SFSHM_PERMITS_MAX];
	struct sfshm_participant_info who = { .size = sizeof(who) };
	int i, n;

	if (info->kind == SFSHM_KIND_LOCK && !info->permits)
		return;
	note_begin(notes);
	if (info->kind == SFSHM_KIND_LOCK)
		printf("shared by %" PRIu32, info->permits);
	else
		printf("%" PRIu32 " of %" PRIu32 " taken", info->permits,
		       info->permits_max);
	n = sfshm_view_permits(picture->view, info->index, holders,
			       SFSHM_PERMITS_MAX);
	if (n > 8 && state.screen)
		n = 8;
	for (i = 0; i < n && i < SFSHM_PERMITS_MAX; i++)
		if (!sfshm_view_participant(picture->view, holders[i], &who))
			printf("%s%" PRId32 "/%" PRId32, i ? " " : ": ",
			       who.pid, who.tid);
}

static void note_save(int *notes, const struct sfshm_slot_info *info)
{
	const char *stage = stage_name(info->stage);

	if (!stage)
		return;
	note_begin(notes);
	printf("%s ", stage);
	text_print(info->file, strnlen(info->file, TEXT_BYTES_MAX),
		   state.message_columns, 0);
}

static void note_error(int *notes, const struct sfshm_slot_info *info)
{
	if (!info->error_code)
		return;
	note_begin(notes);
	printf("%" PRId32 " ", info->error_code);
	text_print(info->error, strnlen(info->error, sizeof(info->error)),
		   state.message_columns, 0);
}

static void slot_notes(const struct picture *picture,
		       const struct sfshm_slot_info *info)
{
	int notes = 0;

	note_limits(&notes, info);
	if (info->kind == SFSHM_KIND_LOCK)
		note_lock(&notes, info);
	if (info->kind == SFSHM_KIND_LOCK || info->kind == SFSHM_KIND_SEMAPHORE)
		note_permits(&notes, picture, info);
	if (info->kind == SFSHM_KIND_SAVE)
		note_save(&notes, info);
	note_error(&notes, info);
}

static void table_slot(const struct picture *picture,
		       const struct sfshm_slot_info *info)
{
	char owner[TEXT_SIZE] = "-", age[TEXT_SIZE], ttl[TEXT_SIZE];
	char phase[TEXT_SIZE], size[SIZE_TEXT];

	if (!section_row())
		return;
	if (info->owner)
		text_owner(owner, info->owner_pid, info->owner_tid,
			   (int)info->owner_alive);
	snprintf(phase, sizeof(phase), "%s%s", phase_name(info->phase),
		 info->torn ? "?" : "");
	text_print(info->key, info->key_len, KEY_COLUMNS, KEY_COLUMNS);
	printf(" %-9s %-7s %6" PRIu64 " %-21s %5" PRIu32
	       " %8s %8s %7s %6" PRIu32,
	       kind_name(info->kind), phase, info->generation, owner,
	       info->waiters, text_span(age, info->age_ms), slot_ttl(ttl, info),
	       info->has_value ? size_text(size, info->value_bytes) : "-",
	       info->deaths);
	slot_notes(picture, info);
	putchar('\n');
}

static void table_slot_damaged(const struct picture *picture, uint32_t index)
{
	char name[TEXT_SIZE];

	(void)picture;
	if (!section_row())
		return;
	snprintf(name, sizeof(name), "(slot %" PRIu32 ")", index);
	printf("%-*s damaged\n", KEY_COLUMNS, name);
}

static void table_end(const struct picture *picture)
{
	section_end(picture->keys ? "no key matches" : "no keys");
	printf("\n%" PRIu64 " key%s", picture->keys,
	       picture->keys == 1 ? "" : "s");
	if (picture->shown < picture->keys)
		printf(", %" PRIu64 " of them chosen", picture->shown);
	putchar('\n');
}

const struct picture_format picture_table = {
	.begin = table_begin,
	.participant = table_participant,
	.participants_end = table_participants_end,
	.slot = table_slot,
	.slot_damaged = table_slot_damaged,
	.end = table_end,
};
