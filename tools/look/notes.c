/* SPDX-License-Identifier: MIT */
#include "look/notes.h"

#include <inttypes.h>
#include <string.h>

#include <sfshm/semaphore.h>

#include "look/phase.h"

/* The holders of permits that are named where the room is limited. */
#define HOLDERS_SHORT 8

/* The least room for a message or a path. */
#define MESSAGE_COLUMNS 20

uint64_t notes_abandoned_ms = NOTES_ABANDONED_MS;

int notes_is_abandoned(const struct sfshm_slot_info *slot)
{
	return slot->idle_ms >= 0 &&
	       (uint64_t)slot->idle_ms >= notes_abandoned_ms;
}

/* Begins another note. */
static void begin(struct cell *cell)
{
	if (cell->len)
		cell_print(cell, ", ");
}

static void note_span(struct cell *cell, const char *text, int64_t ms)
{
	char span[TEXT_SIZE];

	begin(cell);
	cell_print(cell, "%s %s", text, text_span(span, ms));
}

static void note(struct cell *cell, const char *text)
{
	begin(cell);
	cell_print(cell, "%s", text);
}

static void note_limits(struct cell *cell, const struct sfshm_slot_info *slot)
{
	if (notes_is_abandoned(slot))
		note_span(cell, "abandoned? idle for", slot->idle_ms);
	if (slot->lease_ms > 0)
		note_span(cell, "may be taken in", slot->lease_ms);
	else if (slot->lease_ms == 0)
		note(cell, "may be taken");
	if (slot->stale_ms > 0)
		note_span(cell, "kept stale for", slot->stale_ms);
	else if (slot->stale_ms < 0)
		note(cell, "kept stale for ever");
	if (slot->death_ms >= 0)
		note_span(cell, "dead for", slot->death_ms);
	if (slot->deaths) {
		begin(cell);
		cell_print(cell, "%" PRIu32 " died in a row", slot->deaths);
	}
}

static void note_lock(struct cell *cell, const struct sfshm_slot_info *slot)
{
	if (slot->rank) {
		begin(cell);
		cell_print(cell, "rank %" PRIu32, slot->rank);
	}
	if (slot->owner_died)
		note(cell, "the last holder died");
}

/* Notes the holders of a semaphore's permits, or of a lock that is shared. */
static void note_permits(struct cell *cell, struct sfshm_view *view,
			 const struct sfshm_slot_info *slot, size_t columns)
{
	static uint32_t holders[SFSHM_PERMITS_MAX];
	struct sfshm_participant_info who = { .size = sizeof(who) };
	char ids[TEXT_SIZE];
	int i, n, most = columns ? HOLDERS_SHORT : SFSHM_PERMITS_MAX;

	if (!view || !slot->permits)
		return;
	begin(cell);
	cell_print(cell, "%s by",
		   slot->kind == SFSHM_KIND_LOCK ? "shared" : "held");
	n = sfshm_view_permits(view, slot->index, holders, SFSHM_PERMITS_MAX);
	for (i = 0; i < n && i < most; i++)
		if (!sfshm_view_participant(view, holders[i], &who))
			cell_print(cell, " %s",
				   text_ids(ids, who.pid, who.tid));
	if (i < n)
		cell_print(cell, " ...");
}

/* Returns the room that is left for a text at the end. */
static size_t room_for(const struct cell *cell, size_t columns)
{
	if (!columns)
		return 0;
	if (columns < cell->width + MESSAGE_COLUMNS)
		return MESSAGE_COLUMNS;
	return columns - cell->width;
}

static void note_save(struct cell *cell, const struct sfshm_slot_info *slot,
		      size_t columns)
{
	const char *stage = stage_name(slot->stage);

	if (!stage)
		return;
	begin(cell);
	cell_print(cell, "%s ", stage);
	cell_bytes(cell, slot->file, strnlen(slot->file, sizeof(slot->file)),
		   room_for(cell, columns));
}

static void note_error(struct cell *cell, const struct sfshm_slot_info *slot,
		       size_t columns)
{
	if (!slot->error_code)
		return;
	begin(cell);
	cell_print(cell, "%" PRId32 " ", slot->error_code);
	cell_bytes(cell, slot->error, strnlen(slot->error, sizeof(slot->error)),
		   room_for(cell, columns));
}

void notes_write(struct cell *cell, struct sfshm_view *view,
		 const struct sfshm_slot_info *slot, size_t columns)
{
	note_limits(cell, slot);
	if (slot->kind == SFSHM_KIND_LOCK)
		note_lock(cell, slot);
	if (phase_is_shared(slot))
		note_permits(cell, view, slot, columns);
	if (slot->kind == SFSHM_KIND_SAVE)
		note_save(cell, slot, columns);
	note_error(cell, slot, columns);
}
