/* SPDX-License-Identifier: MIT */
/*
 * The segments that have a name: the caller's own, or for root all users'.
 * Files that a resize keeps beside a segment do not count.
 */
#ifndef TOOLS_SEGMENT_LIST_H
#define TOOLS_SEGMENT_LIST_H

#include <stddef.h>
#include <sys/types.h>

struct segment_entry {
	uid_t owner;
	off_t size;
	char *name; /* for -s: a name, or the path of another user's segment */
	char *path;
	int resizing; /* a resize is under way or was interrupted */
};

struct segment_list {
	size_t count;
	struct segment_entry *entries; /* sorted by path */
};

/*
 * Fills *list, which the caller frees with segment_list_free(), on failure as
 * well. Returns 0 or a negated errno value. Opens no file.
 */
int segment_list_read(struct segment_list *list);

void segment_list_free(struct segment_list *list);

#endif
