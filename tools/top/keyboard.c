/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "top.h"

#define ESCAPE 27
#define PAGE 10

/* Sorts by the next column of the table, or the one before; then urgency. */
static void sort_step(struct top *top, int step)
{
	int count = (int)top->columns.count, at = -1;

	for (int i = 0; i < count; i++)
		if (top->columns.column[i] == top->sort)
			at = i;
	/* The notes do not sort; -1 stands for urgency. */
	at += step;
	if (at < -1)
		at = count - 2;
	else if (at > count - 2)
		at = -1;
	top->sort = at < 0 ? NULL : top->columns.column[at];
	top->descending = top->sort && top->sort->number;
}

static void pattern_take(struct top *top)
{
	/* A plain word matches wherever it stands in the key. */
	if (!*top->typed || strpbrk(top->typed, "*?["))
		snprintf(top->pattern, sizeof(top->pattern), "%s", top->typed);
	else
		snprintf(top->pattern, sizeof(top->pattern), "*%.*s*",
			 TOP_PATTERN_MAX - 3, top->typed);
	top->offset = 0;
}

/* A key while the user types a pattern. */
static int edit(struct top *top, int key)
{
	size_t len = strlen(top->typed);

	switch (key) {
	case '\n':
	case '\r':
	case KEY_ENTER:
		top->editing = 0;
		pattern_take(top);
		return 1;
	case ESCAPE: top->editing = 0; return 0;
	case KEY_BACKSPACE:
	case 127:
	case '\b':
		if (len)
			top->typed[len - 1] = '\0';
		return 0;
	default:
		if (key > 0 && key < 256 && !iscntrl(key) &&
		    len + 1 < sizeof(top->typed)) {
			top->typed[len] = (char)key;
			top->typed[len + 1] = '\0';
		}
		return 0;
	}
}

static void scroll_by(struct top *top, long lines)
{
	if (lines < 0 && (size_t)-lines > top->offset)
		top->offset = 0;
	else
		top->offset += (size_t)lines;
	if (top->offset >= top->lines)
		top->offset = top->lines ? top->lines - 1 : 0;
}

static int filter_toggle(struct top *top, int key)
{
	unsigned int failed = 1u << SFSHM_PHASE_FAILED;

	top->offset = 0;
	switch (key) {
	case 'w': top->filter.waiting = !top->filter.waiting; break;
	case 'f': top->filter.phases ^= failed; break;
	default:
		top->filter.waiting = 0;
		top->filter.phases = 0;
		top->pattern[0] = '\0';
	}
	return 1;
}

static int other_key(struct top *top, int key)
{
	switch (key) {
	case KEY_UP: scroll_by(top, -1); return 0;
	case KEY_DOWN: scroll_by(top, 1); return 0;
	case KEY_PPAGE: scroll_by(top, -PAGE); return 0;
	case KEY_NPAGE: scroll_by(top, PAGE); return 0;
	case KEY_HOME: top->offset = 0; return 0;
	case KEY_END: scroll_by(top, (long)top->lines); return 0;
	case '<': sort_step(top, -1); return 1;
	case '>': sort_step(top, 1); return 1;
	case 'r': top->descending = !top->descending; return 1;
	case 'u': top->sort = NULL; return 1;
	case 'w':
	case 'f':
	case 'a': return filter_toggle(top, key);
	case '/':
		top->editing = 1;
		top->typed[0] = '\0';
		return 0;
	case ' ': return 1;
	default: return 0;
	}
}

int top_key(struct top *top, int key)
{
	if (top->editing)
		return edit(top, key);
	if (top->mode == TOP_HELP && key != 'q') {
		top->mode = TOP_KEYS;
		return 0;
	}
	switch (key) {
	case 'q': top->quit = 1; return 0;
	case '?': top->mode = TOP_HELP; return 0;
	case 'h':
		top->mode = top->mode == TOP_HISTORY ? TOP_KEYS : TOP_HISTORY;
		top->offset = 0;
		return 1;
	case 't':
		top->mode = top->mode == TOP_TREE ? TOP_KEYS : TOP_TREE;
		top->offset = 0;
		return 1;
	case 'p': top->paused = !top->paused; return !top->paused;
	case '+':
		if (top->delay_ms < 60000)
			top->delay_ms *= 2;
		return 0;
	case '-':
		if (top->delay_ms >= 200)
			top->delay_ms /= 2;
		return 0;
	default: return other_key(top, key);
	}
}
