/* SPDX-License-Identifier: MIT */
/* The segment's file: made whole, linked in one step, opened with care. */
#ifndef SEGMENT_FILE_H
#define SEGMENT_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include <sfshm/segment.h>

/*
 * Makes a whole segment, which replaces the one of inode `predecessor` (or 0),
 * and links it at `path`. Returns 0, -EEXIST if another file was first, or the
 * error. A failure or a death in here leaves nothing behind.
 */
int file_create(const char *path, const struct sfshm_options *o,
		uint64_t predecessor);

/*
 * The two steps of file_create(). file_make() makes the segment without a name,
 * in the folder of `path`, and returns its descriptor; file_link() links it.
 */
int file_make(const char *path, const struct sfshm_options *o,
	      uint64_t predecessor);
int file_link(int fd, const char *path);

/* Makes a whole segment in a memfd; returns its descriptor. */
int file_create_memfd(const char *label, const struct sfshm_options *o);

/*
 * Checks the owner and the mode of the file at `path` without opening it, and
 * fills in *st. Returns 0, -ENOENT, -ELOOP for a symbolic link, -EPROTO for
 * another kind of file, or -EPERM.
 */
int file_inspect(const char *path, const struct sfshm_options *o,
		 struct stat *st);

/*
 * Opens the file that *st describes, then fills in *st from the open file and
 * checks that. Returns the descriptor; -EAGAIN if another file is there by now;
 * -EBUSY if opening would wait. `flags` is O_RDWR or O_RDONLY.
 */
int file_open(const char *path, int flags, const struct sfshm_options *o,
	      struct stat *st);

/* Applies the rules of file_inspect() to a file that stat(2) has described. */
int file_check(const struct stat *st, const char *path,
	       const struct sfshm_options *o);

/*
 * Removes the segment left over from before the last boot at `path`, if the
 * name still leads to the file behind `fd` and no process has that open. Of
 * several processes one removes it. Never waits. Returns 0, -EBUSY if another
 * process is removing it, -EPROTO if it is in use, or the error.
 */
int file_remove_stale(const char *path, int fd, const struct sfshm_options *o);

#endif
