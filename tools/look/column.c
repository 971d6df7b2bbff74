/* SPDX-License-Identifier: MIT */
#include "look/column.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "common/size.h"
#include "look/notes.h"
#include "look/phase.h"
#include "look/process.h"

#define CELL(name)                                                   \
	static void name(struct cell *cell, struct sfshm_view *view, \
			 const struct sfshm_slot_info *slot, size_t columns)
#define NUMBER(name) static int64_t name(const struct sfshm_slot_info *slot)

CELL(key_cell)
{
	(void)view;
	cell_bytes(cell, slot->key, slot->key_len, columns);
}

CELL(kind_cell)
{
	(void)view, (void)columns;
	cell_print(cell, "%s", kind_name(slot->kind));
}

CELL(phase_cell)
{
	const char *torn = slot->torn ? "?" : "";

	(void)view, (void)columns;
	if (slot->kind == SFSHM_KIND_SEMAPHORE)
		cell_print(cell, "%" PRIu32 "/%" PRIu32 "%s", slot->permits,
			   slot->permits_max, torn);
	else if (phase_is_shared(slot))
		cell_print(cell, "shared%s", torn);
	else
		cell_print(cell, "%s%s", phase_name(phase_of_slot(slot)), torn);
}

CELL(wait_cell)
{
	(void)view, (void)columns;
	cell_print(cell, "%" PRIu32, slot->waiters);
}

NUMBER(wait_number)
{
	return slot->waiters;
}

CELL(age_cell)
{
	char span[TEXT_SIZE];

	(void)view, (void)columns;
	cell_print(cell, "%s", text_span(span, slot->age_ms));
}

NUMBER(age_number)
{
	return slot->age_ms;
}

CELL(took_cell)
{
	char span[TEXT_SIZE];

	(void)view, (void)columns;
	if (slot->took_us >= 0 && slot->took_us < 1000)
		cell_print(cell, "<1ms");
	else
		cell_print(cell, "%s",
			   text_span(span, slot->took_us < 0 ?
						   -1 :
						   slot->took_us / 1000));
}

NUMBER(took_number)
{
	return slot->took_us;
}

CELL(ttl_cell)
{
	char span[TEXT_SIZE];

	(void)view, (void)columns;
	if (slot->ttl_ms < 0)
		cell_print(cell, "forever");
	else
		cell_print(cell, "%s",
			   text_span(span, slot->ttl_ms ? slot->ttl_ms : -1));
}

NUMBER(ttl_number)
{
	return slot->ttl_ms < 0 ? INT64_MAX : slot->ttl_ms;
}

CELL(size_cell)
{
	char size[SIZE_TEXT];

	(void)view, (void)columns;
	if (slot->has_value)
		cell_print(cell, "%s", size_text(size, slot->value_bytes));
	else
		cell_print(cell, "-");
}

NUMBER(size_number)
{
	return slot->has_value ? (int64_t)(slot->value_bytes & INT64_MAX) : -1;
}

CELL(owner_cell)
{
	char ids[TEXT_SIZE];

	(void)view, (void)columns;
	if (!slot->owner)
		cell_print(cell, "-");
	else
		cell_print(cell, "%s",
			   text_ids(ids, slot->owner_pid, slot->owner_tid));
}

NUMBER(owner_number)
{
	return slot->owner ? slot->owner_pid : -1;
}

CELL(command_cell)
{
	struct sfshm_participant_info who = { .size = sizeof(who) };
	char command[512];
	size_t len = 0;

	if (!view || !slot->owner ||
	    sfshm_view_participant(view, slot->owner - 1, &who) ||
	    who.pid != slot->owner_pid || !who.attached) {
		cell_print(cell, "-");
		return;
	}
	if (who.alive)
		len = process_command(who.pid, who.pid_ns, command,
				      sizeof(command));
	if (len)
		cell_bytes(cell, command, len, columns);
	else
		cell_bytes(cell, who.name, strnlen(who.name, sizeof(who.name)),
			   columns);
}

CELL(deaths_cell)
{
	(void)view, (void)columns;
	cell_print(cell, "%" PRIu32, slot->deaths);
}

NUMBER(deaths_number)
{
	return slot->deaths;
}

CELL(generation_cell)
{
	(void)view, (void)columns;
	cell_print(cell, "%" PRIu64, slot->generation);
}

NUMBER(generation_number)
{
	return (int64_t)(slot->generation & INT64_MAX);
}

CELL(index_cell)
{
	(void)view, (void)columns;
	cell_print(cell, "%" PRIu32, slot->index);
}

NUMBER(index_number)
{
	return slot->index;
}

CELL(idle_cell)
{
	char span[TEXT_SIZE];

	(void)view, (void)columns;
	cell_print(cell, "%s", text_span(span, slot->idle_ms));
}

NUMBER(idle_number)
{
	return slot->idle_ms;
}

CELL(lease_cell)
{
	char span[TEXT_SIZE];

	(void)view, (void)columns;
	cell_print(cell, "%s", text_span(span, slot->lease_ms));
}

NUMBER(lease_number)
{
	return slot->lease_ms;
}

CELL(stale_cell)
{
	char span[TEXT_SIZE];

	(void)view, (void)columns;
	if (slot->stale_ms < 0)
		cell_print(cell, "forever");
	else
		cell_print(cell, "%s",
			   text_span(span,
				     slot->stale_ms ? slot->stale_ms : -1));
}

NUMBER(stale_number)
{
	return slot->stale_ms < 0 ? INT64_MAX : slot->stale_ms;
}

CELL(error_cell)
{
	(void)view;
	if (!slot->error_code) {
		cell_print(cell, "-");
		return;
	}
	cell_print(cell, "%" PRId32 " ", slot->error_code);
	cell_bytes(cell, slot->error, strnlen(slot->error, sizeof(slot->error)),
		   columns > cell->width ? columns - cell->width : columns);
}

CELL(file_cell)
{
	size_t len = strnlen(slot->file, sizeof(slot->file));

	(void)view;
	if (len)
		cell_bytes(cell, slot->file, len, columns);
	else
		cell_print(cell, "-");
}

CELL(notes_cell)
{
	notes_write(cell, view, slot, columns);
}

/* All columns. The list ends with one that has no name. */
static const struct column all[] = {
	{ "KEY", "the key", 32, 0, key_cell, NULL },
	{ "KIND", "value, claim, lock, semaphore or save", 9, 0, kind_cell,
	  NULL },
	{ "PHASE",
	  "idle, busy, shared, done, failed or dead; permits taken/all", 6, 0,
	  phase_cell, NULL },
	{ "WAIT", "threads that wait", 4, 1, wait_cell, wait_number },
	{ "AGE", "how long it has been busy, or the age of the result", 6, 1,
	  age_cell, age_number },
	{ "TOOK", "how long the work for the value ran", 6, 1, took_cell,
	  took_number },
	{ "TTL", "the rest of the lifetime", 7, 1, ttl_cell, ttl_number },
	{ "SIZE", "bytes of the value", 6, 1, size_cell, size_number },
	{ "OWNER", "process (and thread) of the leader or holder", 6, 0,
	  owner_cell, owner_number },
	{ "COMMAND", "the owner's command line", 24, 0, command_cell, NULL },
	{ "DEATHS", "leaders that died in a row", 6, 1, deaths_cell,
	  deaths_number },
	{ "GEN", "the generation, which grows with each flight", 6, 1,
	  generation_cell, generation_number },
	{ "INDEX", "the slot's number", 6, 1, index_cell, index_number },
	{ "IDLE", "since the leader was last in a call", 7, 1, idle_cell,
	  idle_number },
	{ "LEASE", "the rest of the leader's lease", 6, 1, lease_cell,
	  lease_number },
	{ "STALE", "how long the value is kept past its lifetime", 7, 1,
	  stale_cell, stale_number },
	{ "ERROR", "code and message of the failed work", 24, 0, error_cell,
	  NULL },
	{ "FILE", "the file of a save", 32, 0, file_cell, NULL },
	{ "NOTES", "what else is to be said", 20, 0, notes_cell, NULL },
	{ 0 },
};

const char columns_default[] =
	"KEY,KIND,PHASE,WAIT,AGE,TOOK,TTL,SIZE,OWNER,NOTES";

static const struct column *find(const char *name, size_t len)
{
	const struct column *column = all;

	for (; column->name; column++)
		if (strlen(column->name) == len &&
		    strncasecmp(column->name, name, len) == 0)
			return column;
	return NULL;
}

const struct column *column_find(const char *name)
{
	return find(name, strlen(name));
}

int column_list_parse(struct column_list *list, const char *text,
		      const char **bad, size_t *bad_len)
{
	list->count = 0;
	for (;;) {
		size_t len = strcspn(text, ",");
		const struct column *column = find(text, len);

		if (!column || list->count == COLUMNS_MAX) {
			*bad = text;
			*bad_len = len;
			return -EINVAL;
		}
		list->column[list->count++] = column;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

char *column_text(const struct column *column, struct sfshm_view *view,
		  const struct sfshm_slot_info *slot)
{
	static struct cell cell;

	cell_clear(&cell);
	column->cell(&cell, view, slot, 0);
	return strdup(cell.text);
}
