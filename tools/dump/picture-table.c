/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/size.h"
#include "look/line.h"
#include "look/notes.h"
#include "look/phase.h"
#include "picture.h"
#include "table.h"

#define AWAITED_COLUMNS 24
#define COMMAND_COLUMNS 16

static struct table table;
static size_t key_columns;

/* Begins a line of the summary. */
static void line(const char *name)
{
	printf("%-9s ", name);
	table_line(&table);
}

static void print_bytes(const void *data, size_t len, size_t columns)
{
	static struct cell cell;

	cell_clear(&cell);
	cell_bytes(&cell, data, len, columns);
	fputs(cell.text, stdout);
}

static void print_time(const char *format, time_t at)
{
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf(format, text);
}

static void summary_file(const struct picture *picture)
{
	const struct sfshm_segment_info *info = &picture->survey->segment;
	char size[SIZE_TEXT], memory[SIZE_TEXT];

	line("file");
	print_bytes(info->path, strnlen(info->path, sizeof(info->path)), 0);
	printf(", mode %04" PRIo32 ", owner %" PRIu32 ", group %" PRIu32 "\n",
	       info->mode, info->owner, info->group);
	line("made");
	print_time("%s", (time_t)info->created_s);
	printf(", layout %" PRIu32 "; %s, %s of it in memory\n",
	       info->layout_version, size_text(size, info->file_bytes),
	       size_text(memory, info->memory_bytes));
	line("waiting");
	puts(info->waitv ? "futex_waitv" :
			   "fallback: short sleeps (no futex_waitv here)");
}

static void summary_contents(const struct survey *survey)
{
	const struct sfshm_segment_info *info = &survey->segment;
	uint64_t used = survey->alive + survey->dead;
	char all[SIZE_TEXT], bytes[SIZE_TEXT], most[SIZE_TEXT];

	line("keys");
	printf("%" PRIu64 " of %" PRIu32 " (%u%%): %" PRIu64 " busy, %" PRIu64
	       " awaited, %" PRIu64 " failed, %" PRIu64 " dead\n",
	       survey->keys, info->slots,
	       text_percent(survey->keys, info->slots), survey->busy,
	       survey->awaited, survey->failed, survey->dead_keys);
	line("memory");
	printf("%s of %s (%u%%), the largest value may have %s\n",
	       size_text(bytes, info->bytes_used), size_text(all, info->bytes),
	       text_percent(info->bytes_used, info->bytes),
	       size_text(most, info->max_value));
	line("threads");
	printf("%" PRIu64 " alive, %" PRIu64 " waiting, %" PRIu64
	       " dead; %" PRIu64 " of %" PRIu32 " free%s\n",
	       survey->alive, survey->waiting, survey->dead,
	       info->participants > used ? info->participants - used : 0,
	       info->participants, info->waitv ? "" : "; no futex_waitv");
}

/* Prints the line about fleets, if the segment has been in one. */
static void summary_fleet(const struct survey *survey)
{
	const struct sfshm_segment_info *info = &survey->segment;
	char span[TEXT_SIZE];

	if (!info->fleet_token && !info->fleet_away)
		return;
	line("fleet");
	printf("%" PRIu64 " led, %" PRIu64 " inherited, %" PRIu64
	       " fenced, %" PRIu64 " without the engine; token %" PRIu64,
	       survey_counter(survey, "fleet_leads"),
	       survey_counter(survey, "fleet_inherited"),
	       survey_counter(survey, "fleet_fenced"),
	       survey_counter(survey, "fleet_local"), info->fleet_token);
	if (info->fleet_away)
		printf("; %" PRIu32 " engine%s away, next try in %s",
		       info->fleet_away, info->fleet_away > 1 ? "s" : "",
		       text_span(span, (int64_t)info->fleet_retry_ms));
	putchar('\n');
}

static void summary_work(const struct survey *survey)
{
	uint64_t calls = survey_counter(survey, "gets");
	uint64_t saved = survey_saved_calls(survey);
	char count[TEXT_SIZE], span[TEXT_SIZE], runs[TEXT_SIZE];

	line("calls");
	printf("%s, %u%% answered without a run", text_count(count, calls),
	       text_percent(saved, calls));
	if (survey->took_count)
		printf("; about %s of work saved",
		       text_span(span, (int64_t)survey_saved_ms(survey)));
	putchar('\n');
	line("work");
	printf("%s runs, %" PRIu64 " failed, %" PRIu64 " leaders died; %" PRIu64
	       " timeouts, %" PRIu64 " without room\n",
	       text_count(runs, survey_counter(survey, "loads")),
	       survey_counter(survey, "load_errs"),
	       survey_counter(survey, "owner_died"),
	       survey_counter(survey, "timeouts"),
	       survey_counter(survey, "no_space"));
}

static void summary(const struct picture *picture)
{
	const struct survey *survey = picture->survey;
	const char *name = picture->options->segment;

	line("segment");
	print_bytes(name, strnlen(name, TEXT_BYTES_MAX), 0);
	print_time(", %s\n", picture->taken_at.tv_sec);
	if (picture->options->all)
		summary_file(picture);
	summary_contents(survey);
	summary_work(survey);
	summary_fleet(survey);
	putchar('\n');
	table_line(&table);
}

static void counters(const struct survey *survey)
{
	const struct survey_counter *counter = survey->counters;
	unsigned int i, shown = 0;

	puts("\nCOUNTERS");
	for (i = 0; i < survey->counters_count; i++, counter++) {
		if (!counter->value)
			continue;
		printf("%-20s %12" PRIu64 "  %s\n", counter->name,
		       counter->value, counter->help);
		shown++;
	}
	if (!shown)
		puts("all 0");
}

/* Whether the user has chosen some of the keys; the last line says so. */
static int is_part(const struct survey *survey)
{
	return survey->chosen.keys < survey->keys;
}

/*
 * The lines that the table of threads asks for, at most a third of those that
 * are left; with its heading, and with the line about chosen keys.
 */
static uint64_t lines_for_threads(const struct survey *survey)
{
	uint64_t rows = survey->waiting + survey->dead;

	if (!rows)
		rows = 1;
	if (rows > table.lines / 3)
		rows = table.lines / 3;
	return 2 + rows + (is_part(survey) ? 2 : 0);
}

static void picture_table_begin(const struct picture *picture)
{
	const struct options *options = picture->options;
	static struct cell row;

	table_begin(&table, options);
	key_columns = line_key_columns(&options->columns, table.columns);
	if (!options->table_only)
		summary(picture);
	if (!options->noheadings) {
		line_headings(&row, &options->columns, key_columns);
		printf("%.*s\n",
		       table.columns ? (int)table.columns : (int)row.len,
		       row.text);
		table_line(&table);
	}
	table_section(&table, options->table_only ?
				      0 :
				      lines_for_threads(picture->survey));
}

static void picture_table_slot(const struct picture *picture,
			       const struct sfshm_slot_info *info)
{
	const struct column_list *list = &picture->options->columns;
	static struct cell row, notes;
	/* Scripts want whole keys. */
	int cut = !picture->options->table_only || table.columns;

	line_cells(&row, list, key_columns, cut, picture->view, info);
	cell_clear(&notes);
	if (line_has_notes(list))
		notes_write(&notes, picture->view, info,
			    table.columns > 4 ? table.columns - 4 : 0);
	table_row(&table, &row, &notes);
}

static void picture_table_slot_damaged(const struct picture *picture,
				       uint32_t index)
{
	static struct cell row;
	char name[TEXT_SIZE];

	(void)picture;
	snprintf(name, sizeof(name), "(slot %" PRIu32 ")", index);
	cell_clear(&row);
	cell_print(&row, "%-*s damaged", (int)key_columns, name);
	table_row(&table, &row, NULL);
}

static void picture_table_slots_end(const struct picture *picture)
{
	const struct survey *survey = picture->survey;

	if (picture->options->table_only && !table.columns)
		return;
	table_section_end(&table, survey->keys ? "no key matches" : "no keys");
	if (picture->options->table_only)
		return;
	printf("\n%-15s %-*s %5s  %-*s %s\n", "PID", COMMAND_COLUMNS, "COMMAND",
	       "HOLDS", AWAITED_COLUMNS, "WAITS FOR", "HELD BY");
	table_line(&table);
	table_line(&table);
	table_section(&table, is_part(survey) ? 2 : 0);
}

static void put_ids(struct cell *cell, size_t columns,
		    const struct sfshm_participant_info *who)
{
	char ids[TEXT_SIZE];
	size_t from = cell->width;

	cell_print(cell, "%s%s", text_ids(ids, who->pid, who->tid),
		   who->alive ? "" : " dead");
	from = cell->width - from;
	if (from < columns)
		cell_print(cell, "%*s", (int)(columns - from), "");
}

/* Writes the thread's name, which is the command's unless it was changed. */
static void put_command(struct cell *cell, size_t columns,
			const struct sfshm_participant_info *who)
{
	size_t from = cell->width;

	cell_bytes(cell, who->name, strnlen(who->name, sizeof(who->name)),
		   columns);
	from = cell->width - from;
	if (from < columns)
		cell_print(cell, "%*s", (int)(columns - from), "");
}

/* Writes what a participant waits for, and who has it. */
static void put_awaited(struct cell *cell, const struct picture *picture,
			const struct sfshm_participant_info *info)
{
	struct sfshm_slot_info slot = { .size = sizeof(slot) };
	struct sfshm_participant_info who = { .size = sizeof(who) };
	size_t from = cell->width;

	if (phase_view_slot(picture->view, (uint32_t)info->waits_for, &slot))
		cell_print(cell, "slot %" PRId64, info->waits_for);
	else
		cell_bytes(cell, slot.key, slot.key_len, AWAITED_COLUMNS);
	from = cell->width - from;
	if (from < AWAITED_COLUMNS)
		cell_print(cell, "%*s", (int)(AWAITED_COLUMNS - from), "");
	cell_print(cell, " ");
	if (slot.kind == SFSHM_KIND_SEMAPHORE) {
		cell_print(cell, "%" PRIu32 " of %" PRIu32 " taken",
			   slot.permits, slot.permits_max);
	} else if (phase_is_shared(&slot)) {
		cell_print(cell, "shared by %" PRIu32, slot.permits);
	} else if (info->waits_for_participant >= 0 &&
		   !sfshm_view_participant(
			   picture->view, (uint32_t)info->waits_for_participant,
			   &who)) {
		put_ids(cell, 0, &who);
		cell_print(cell, " ");
		put_command(cell, 0, &who);
	} else {
		cell_print(cell, "-");
	}
}

static void picture_table_participant(const struct picture *picture,
				      const struct sfshm_participant_info *info)
{
	const struct options *options = picture->options;
	static struct cell row;

	if (options->table_only ||
	    (options->filter.pid && info->pid != options->filter.pid))
		return;
	/* Leaves out holders, whom the keys' rows name, and idle threads. */
	if (!options->all && !options->filter.pid && info->alive &&
	    info->waits_for < 0)
		return;
	cell_clear(&row);
	put_ids(&row, 15, info);
	cell_print(&row, " ");
	put_command(&row, COMMAND_COLUMNS, info);
	cell_print(&row, " %5" PRIu32 "  ", info->flights);
	if (info->waits_for < 0)
		cell_print(&row, "-");
	else
		put_awaited(&row, picture, info);
	table_row(&table, &row, NULL);
}

static void picture_table_participants_end(const struct picture *picture)
{
	if (picture->options->table_only)
		return;
	table_section_end(&table,
			  picture->survey->alive || picture->survey->dead ?
				  "nobody waits" :
				  "nobody is attached");
}

static void picture_table_end(const struct picture *picture)
{
	const struct options *options = picture->options;
	const struct survey *survey = picture->survey;

	if (options->table_only)
		return;
	if (options->all)
		counters(survey);
	if (is_part(survey))
		printf("\n%" PRIu64 " of %" PRIu64 " keys chosen\n",
		       survey->chosen.keys, survey->keys);
}

const struct picture_format picture_table = {
	.slots_first = 1,
	.begin = picture_table_begin,
	.participant = picture_table_participant,
	.participants_end = picture_table_participants_end,
	.slot = picture_table_slot,
	.slot_damaged = picture_table_slot_damaged,
	.slots_end = picture_table_slots_end,
	.end = picture_table_end,
};
