/* SPDX-License-Identifier: MIT */
/* The segment's file: made whole, linked in one step, opened with care. */
#ifndef SEGMENT_FILE_H
#define SEGMENT_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include <sfshm/segment.h>

/*
 * Makes a whole segment, that replaces the one of inode `predecessor` (or 0),
 * and links it at `path`. Returns 0, or -EEXIST if somebody else was first, or
 * what went wrong. Leaves nothing behind when it fails or dies.
 */
int file_create(const char *path, const struct sfshm_options *o,
		uint64_t predecessor);

/*
 * The same in two steps: makes the segment without a name in the folder of
 * `path`, and returns its descriptor; links it.
 */
int file_make(const char *path, const struct sfshm_options *o,
	      uint64_t predecessor);
int file_link(int fd, const char *path);

/* Makes a whole segment in a memfd; returns its descriptor. */
int file_create_memfd(const char *label, const struct sfshm_options *o);

/*
 * Looks at `path` without opening it: whose it is and how open. Fills *st.
 * Returns 0, -ENOENT, -ELOOP for a symbolic link, -EPERM.
 */
int file_inspect(const char *path, const struct sfshm_options *o,
		 struct stat *st);

/*
 * Opens the file that *st was of, and fills *st anew from what is open, by
 * which it is judged. -EAGAIN if another one stands there now; -EBUSY if it
 * cannot be opened without waiting. `flags` is O_RDWR or O_RDONLY.
 */
int file_open(const char *path, int flags, const struct sfshm_options *o,
	      struct stat *st);

/* The rules of file_inspect() for a descriptor. */
int file_check(const struct stat *st, const char *path,
	       const struct sfshm_options *o);

/*
 * Removes the segment left over from before the last boot at `path`, if it is
 * still the file behind `fd` and nobody has it open. Of several processes at
 * it, one removes it. Never waits. Returns 0, -EBUSY: another process is at it,
 * -EPROTO: it is in use, or what went wrong.
 */
int file_remove_stale(const char *path, int fd, const struct sfshm_options *o);

#endif
