/* SPDX-License-Identifier: MIT */
/*
 * The oracle remembers every value that was published, and judges every value
 * that was read. It must have been published for that key and that generation,
 * and not been refused; no generation of a key was published twice.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "common/history.h"

static struct history histories[KEYS], of_puts[KEYS];

static void judge(const struct event *e)
{
	static const char *const words[] = {
		[HISTORY_TWICE] = "is that of two flights",
		[HISTORY_EARLY] = "was read and never published",
		[HISTORY_REFUSED] = "was read, and refused",
		[HISTORY_OTHER] = "was read, and is not what was published",
	};
	struct history *h;
	enum verdict verdict;

	if (e->key >= KEYS) {
		violation("a report is of no key");
		return;
	}
	h = &(e->generation & PUT_MARK ? of_puts : histories)[e->key];
	if (e->type == EVENT_PUBLISHING)
		verdict = history_announce(h, e->generation, e->sum);
	else if (e->type == EVENT_REFUSED)
		verdict = history_refuse(h, e->generation);
	else
		verdict = history_read(h, e->generation, e->sum);
	if (e->type == EVENT_READ)
		count(TALLY_read);
	if (verdict == HISTORY_TOO_OLD)
		count(TALLY_too_late);
	else if (words[verdict])
		violation("key %" PRIu32 ": generation %" PRIu64 " %s", e->key,
			  e->generation, words[verdict]);
}

/* Whole events: writes to the pipe are not torn, reads of it may be. */
int oracle_main(int fd)
{
	static struct event events[4096];
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, (char *)events + have, sizeof(events) - have))) {
		size_t whole, i;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return 1;
		have += (size_t)n;
		whole = have / sizeof(events[0]);
		for (i = 0; i < whole; i++)
			judge(&events[i]);
		have -= whole * sizeof(events[0]);
		memmove(events, &events[whole], have);
	}
	return 0;
}
