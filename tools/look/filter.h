/* SPDX-License-Identifier: MIT */
/* The choice of the keys that the user wants to see. */
#ifndef LOOK_FILTER_H
#define LOOK_FILTER_H

#include <stdint.h>
#include <sfshm/inspect.h>

/* The filter notes at most so many keys that a process waits for. */
#define FILTER_AWAITED_MAX 1024

/* All fields 0: every key. */
struct filter {
	const char *key_pattern; /* as for fnmatch(3), or NULL */
	unsigned int phases;     /* bit 1 << phase for each; 0: all */
	unsigned int kinds;      /* bit 1 << kind for each; 0: all */
	int waiting;             /* only keys that somebody waits for */
	int32_t pid;             /* only keys that it leads, holds or awaits */
	uint64_t older_ms;       /* only flights and results of that age */

	/* filter_prepare() fills these in: slots that `pid` waits for. */
	uint32_t awaited_count;
	uint32_t awaited[FILTER_AWAITED_MAX];
};

/* Whether the user wants to see less than everything. */
int filter_chooses(const struct filter *filter);

/* Looks up what `pid` waits for. To be called before the slots are read. */
void filter_prepare(struct filter *filter, struct sfshm_view *view);

/* Whether the user asked for this slot, which holds a key. */
int filter_wants(const struct filter *filter, struct sfshm_view *view,
		 const struct sfshm_slot_info *slot);

#endif
