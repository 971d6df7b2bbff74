/* SPDX-License-Identifier: MIT */
/* The state of sfshm-top: what the user has asked for, and what is shown. */
#ifndef TOP_TOP_H
#define TOP_TOP_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "look/events.h"
#include "look/survey.h"
#include "rates.h"

#define TOP_PATTERN_MAX 128

enum top_mode { TOP_KEYS, TOP_TREE, TOP_HISTORY, TOP_HELP };

struct top {
	/* The command line. */
	const char *segment;
	char path[PATH_MAX]; /* of another user's segment */
	uint32_t owner;
	int has_owner;
	uint64_t delay_ms;
	int colour;

	/* The keyboard. */
	enum top_mode mode;
	const struct column *sort; /* NULL: by urgency */
	int descending;
	int paused, quit;
	int editing;                   /* the user types a pattern */
	char typed[TOP_PATTERN_MAX];   /* as it is typed */
	char pattern[TOP_PATTERN_MAX]; /* as for fnmatch(3); "": all keys */
	struct filter filter;
	size_t offset; /* lines that are scrolled off */
	size_t lines;  /* lines that the last drawing had to show */

	/* The segment; NULL: it cannot be read, and `why` says why. */
	struct sfshm_view *view;
	struct stat file; /* with the segment's name, when it was opened */
	char why[256];
	struct column_list columns;
	struct survey survey;
	struct rates rates;
	struct events events; /* read for TOP_HISTORY only */
	int64_t taken_at;     /* CLOCK_REALTIME, s */
};

/* Reads the command line. Returns -1 to go on, or the status to exit with. */
int top_options(struct top *top, int argc, char **argv);

/* Reads the segment anew. */
void top_read(struct top *top);

/* Heeds a key of the keyboard. Returns 1 if the segment is to be read anew. */
int top_key(struct top *top, int key);

/* Draws all of the screen. */
void top_draw(struct top *top);

/* Draws holders and waiters from line `y` on; for top_draw(). */
void top_draw_tree(struct top *top, int y);

/* Draws what happened last; for top_draw(). */
void top_draw_history(struct top *top, int y);

/*
 * Writes text from column x on, cut at the right edge, with the attributes.
 * Returns the column behind it.
 */
int top_put(int y, int x, const char *text, int attributes);

#endif
