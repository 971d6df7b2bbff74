/* SPDX-License-Identifier: MIT */
/* The segment's file, which gets its name only when it is whole. */
#ifndef SEGMENT_FILE_H
#define SEGMENT_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include <sfshm/segment.h>

/*
 * Makes a whole segment and links it at `path`. `predecessor` is the inode of
 * the segment that it replaces, or 0. Returns 0, -EEXIST if another file has
 * the name, or the error. A failure or a death in here leaves nothing behind.
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
 * Checks the owner, group and mode of the file at `path` without opening it,
 * and fills in *st. Returns 0, -ENOENT, -ELOOP for a symbolic link, -EPROTO for
 * another kind of file, -EPERM, or the error of lstat(2).
 */
int file_inspect(const char *path, const struct sfshm_options *o,
		 struct stat *st);

/*
 * Opens the file that *st describes, then fills in *st again from the open file
 * and checks it by file_check(). Returns the descriptor; -EAGAIN if the file is
 * gone or another one is there by now; -EBUSY if opening would wait; or the
 * error. `flags` is O_RDWR or O_RDONLY.
 */
int file_open(const char *path, int flags, const struct sfshm_options *o,
	      struct stat *st);

/* Applies the rules of file_inspect() to a file that stat(2) has described. */
int file_check(const struct stat *st, const char *path,
	       const struct sfshm_options *o);

/*
 * Removes a segment left over from before the last boot: the file behind `fd`,
 * if `path` still leads to it and no process has byte locks on it. If several
 * processes try, one of them removes it. Never waits. Returns 0, also if `path`
 * leads elsewhere; -EBUSY if another process is removing the file; -EPROTO if
 * it is in use; or the error.
 */
int file_remove_stale(const char *path, int fd, const struct sfshm_options *o);

#endif
