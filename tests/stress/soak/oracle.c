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

/* Generations that are remembered of a key; reads of earlier ones pass. */
#define MOST_KEPT 4096

struct publication {
	uint64_t generation;
	uint64_t sum;
	bool refused; /* its leader was told so: nobody may see it */
	bool read;
};

struct history {
	struct publication *all; /* as they were reported */
	uint32_t n, room;
	bool cut; /* earlier ones were dropped */
};

static struct history histories[KEYS];

/* From the latest on: that is where it mostly is. */
static struct publication *find(const struct history *h, uint64_t generation)
{
	for (uint32_t i = h->n; i-- > 0;)
		if (h->all[i].generation == generation)
			return &h->all[i];
	return NULL;
}

static void make_room(struct history *h)
{
	if (h->n == MOST_KEPT) {
		h->n /= 2;
		memmove(h->all, h->all + h->n, h->n * sizeof(*h->all));
		h->cut = true;
	}
	if (h->n < h->room)
		return;
	h->room = h->room ? 2 * h->room : 4;
	h->all = realloc(h->all, h->room * sizeof(*h->all));
	if (!h->all)
		_exit(7);
}

static void note_publishing(const struct event *e)
{
	struct history *h = &histories[e->key];

	if (find(h, e->generation))
		violation("key %" PRIu32 ": two flights have the generation "
			  "%" PRIu64,
			  e->key, e->generation);
	make_room(h);
	h->all[h->n++] = (struct publication){
		.generation = e->generation,
		.sum = e->sum,
	};
}

static void note_refused(const struct event *e)
{
	struct publication *p = find(&histories[e->key], e->generation);

	if (!p)
		return;
	p->refused = true;
	if (p->read)
		violation("key %" PRIu32 ": generation %" PRIu64
			  " was refused, yet it had been read",
			  e->key, e->generation);
}

static void judge_read(const struct event *e)
{
	struct history *h = &histories[e->key];
	struct publication *p = find(h, e->generation);

	count(TALLY_read);
	if (!p && h->cut && e->generation < h->all[0].generation) {
		count(TALLY_too_late);
		return;
	}
	if (!p) {
		violation("key %" PRIu32 ": generation %" PRIu64
			  " was read and never published",
			  e->key, e->generation);
		return;
	}
	p->read = true;
	if (p->refused)
		violation("key %" PRIu32 ": generation %" PRIu64
			  " was read after it had been refused",
			  e->key, e->generation);
	if (p->sum != e->sum)
		violation("key %" PRIu32 ": generation %" PRIu64
			  " was read, and is not what was published",
			  e->key, e->generation);
}

static void judge(const struct event *e)
{
	if (e->key >= KEYS) {
		violation("a report is of no key");
		return;
	}
	switch (e->type) {
	case EVENT_PUBLISHING: note_publishing(e); break;
	case EVENT_REFUSED: note_refused(e); break;
	default: judge_read(e); break;
	}
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
