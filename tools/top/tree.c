/* SPDX-License-Identifier: MIT */
/* Keys that are led, held or awaited, each with its holders and waiters. */
#include <curses.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sfshm/semaphore.h>

#include "look/phase.h"
#include "look/process.h"
#include "top.h"

/* Where the drawing is. */
struct place {
	size_t line; /* so far, those included that are scrolled off */
	int y;       /* the first line of the screen that is left */
};

static int visible(const struct top *top, const struct place *place)
{
	return place->line >= top->offset && place->y < LINES - 1;
}

static void next_line(const struct top *top, struct place *place)
{
	if (visible(top, place))
		place->y++;
	place->line++;
}

static void draw_key(const struct top *top, struct place *place,
		     const struct sfshm_slot_info *slot)
{
	static struct cell cell;
	char age[TEXT_SIZE];

	if (visible(top, place)) {
		cell_clear(&cell);
		cell_bytes(&cell, slot->key, slot->key_len,
			   COLS > 60 ? (size_t)COLS - 44 : 16);
		cell_print(&cell, "  %s ", kind_name(slot->kind));
		if (slot->kind == SFSHM_KIND_SEMAPHORE)
			cell_print(&cell, "%" PRIu32 " of %" PRIu32 " taken",
				   slot->permits, slot->permits_max);
		else if (phase_is_shared(slot))
			cell_print(&cell, "shared by %" PRIu32, slot->permits);
		else
			cell_print(&cell, "%s for %s",
				   phase_name(phase_of_slot(slot)),
				   text_span(age, slot->age_ms));
		cell_print(&cell, ", %" PRIu32 " wait", slot->waiters);
		top_put(place->y, 0, cell.text, A_BOLD);
	}
	next_line(top, place);
}

static void draw_thread(const struct top *top, struct place *place,
			const char *prefix,
			const struct sfshm_participant_info *who)
{
	static struct cell cell;
	char ids[TEXT_SIZE], command[512];
	size_t len = 0;

	if (visible(top, place)) {
		cell_clear(&cell);
		cell_print(&cell, "%s %s%s ", prefix,
			   text_ids(ids, who->pid, who->tid),
			   who->alive ? "" : " dead");
		if (who->alive)
			len = process_command(who->pid, who->pid_ns, command,
					      sizeof(command));
		if (len)
			cell_bytes(&cell, command, len, 0);
		else
			cell_bytes(&cell, who->name,
				   strnlen(who->name, sizeof(who->name)), 0);
		top_put(place->y, 0, cell.text, A_NORMAL);
	}
	next_line(top, place);
}

static void draw_holders(const struct top *top, struct place *place,
			 const struct sfshm_slot_info *slot)
{
	static uint32_t holders[SFSHM_PERMITS_MAX];
	struct sfshm_participant_info who = { .size = sizeof(who) };
	int n;

	if (slot->owner &&
	    !sfshm_view_participant(top->view, slot->owner - 1, &who))
		draw_thread(top, place, "   has it:", &who);
	if (!phase_is_shared(slot))
		return;
	n = sfshm_view_permits(top->view, slot->index, holders,
			       SFSHM_PERMITS_MAX);
	for (int i = 0; i < n && i < SFSHM_PERMITS_MAX; i++)
		if (!sfshm_view_participant(top->view, holders[i], &who))
			draw_thread(top, place, "   has it:", &who);
}

static void draw_waiters(const struct top *top, struct place *place,
			 const struct sfshm_slot_info *slot)
{
	struct sfshm_participant_info who = { .size = sizeof(who) };
	uint32_t left = slot->waiters;

	for (uint32_t i = 0; left && i < top->survey.segment.participants_used;
	     i++) {
		if (sfshm_view_participant(top->view, i, &who) ||
		    !who.attached || who.waits_for != (int64_t)slot->index)
			continue;
		draw_thread(top, place, "      waits:", &who);
		left--;
	}
}

void top_draw_tree(struct top *top, int y)
{
	static struct sfshm_slot_info slot = { .size = sizeof(slot) };
	struct place place = { .y = y };

	for (size_t i = 0; i < top->survey.rows.count; i++) {
		const struct row *row = &top->survey.rows.row[i];

		if (phase_view_slot(top->view, row->index, &slot) ||
		    !phase_is_key(&slot) || urgency_of(&slot) < URGENT_BUSY)
			continue;
		draw_key(top, &place, &slot);
		draw_holders(top, &place, &slot);
		draw_waiters(top, &place, &slot);
	}
	top->lines = place.line;
	if (!place.line)
		top_put(y, 0, "nobody leads, holds or waits", A_NORMAL);
}
