/* SPDX-License-Identifier: MIT */
#include <curses.h>
#include <stdio.h>

#include "top.h"

/*
 * Draws what the segment's threads did last, the latest first, and since when
 * that is complete.
 */
void top_draw_history(struct top *top, int y)
{
	static struct cell line;
	int64_t offset = events_offset();
	size_t count = top->events.count;

	top->lines = count;
	if (top->offset >= count)
		top->offset = count ? count - 1 : 0;
	for (int rare = 0; rare < 2; rare++) {
		events_head(&line, &top->events, rare, offset);
		top_put(y++, 0, line.text, A_BOLD);
	}
	if (!count)
		top_put(y, 0, "nothing has happened", A_NORMAL);
	for (size_t i = top->offset; i < count && y < LINES - 1; i++) {
		const struct event *event = &top->events.list[count - 1 - i];

		event_line(&line, event, offset);
		top_put(y++, 0, line.text,
			event->info.rare ? A_BOLD : A_NORMAL);
	}
}
