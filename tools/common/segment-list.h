/* SPDX-License-Identifier: MIT */
/*
 * The segments that lie where names lead to: the caller's own, or for root
 * everybody's. What a resize keeps beside a segment is no segment of its own.
 */
#ifndef TOOLS_SEGMENT_LIST_H
#define TOOLS_SEGMENT_LIST_H

#include <stddef.h>
#include <sys/types.h>

struct segment_entry {
	uid_t owner;
	off_t size;
	char *name; /* what -s takes: a name, or the path of somebody else's */
	char *path;
	int resizing; /* the one that it replaces is still in use */
};

struct segment_list {
	size_t count;
	struct segment_entry *entries; /* sorted by path */
};

/*
 * Fills *list; give it back with segment_list_free(), on failure as well.
 * Returns 0 or a negated errno value. No file is opened.
 */
int segment_list_read(struct segment_list *list);

void segment_list_free(struct segment_list *list);

#endif
